//! Parts of a batch that fit in memory when their bodies are unpacked.
//!
//! The queue bounds a batch as it is stored; a body of 25 MiB may be a hundredth of that there.

use broker::Received;

/// Raw bytes that are parsed and decided together, at the most; a larger body goes alone.
const MOST: usize = 8 << 20;

/// The batch in its order, in parts.
pub(crate) fn portions(batch: &[Received]) -> impl Iterator<Item = &[Received]> {
    let mut rest = batch;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let mut bytes = 0_usize;
        let fits = rest.iter().take_while(|received| {
            let first = bytes == 0;
            // At least one, so that an empty body counts as seen.
            bytes = bytes.saturating_add(size(received).max(1));
            first || bytes <= MOST
        });
        let (portion, later) = rest.split_at(fits.count());
        rest = later;
        Some(portion)
    })
}

fn size(received: &Received) -> usize {
    match &received.delivery {
        Ok(delivery) => delivery.body.raw_len(),
        Err(damaged) => damaged.bytes.len(),
    }
}

#[cfg(test)]
mod tests {
    use broker::Position;
    use schemas::delivery::Body;
    use schemas::trace::TraceContext;
    use schemas::{Delivery, DeliveryId};

    use super::*;

    fn received(position: usize, raw: usize) -> Received {
        let delivery = Delivery {
            id: DeliveryId(uuid::Uuid::nil()),
            webhook: "github".into(),
            received_at: chrono::DateTime::UNIX_EPOCH,
            headers: std::collections::BTreeMap::new(),
            body: Body::compress(&vec![b'x'; raw]),
            trace: TraceContext::default(),
            replay_of: None,
        };
        Received { position: Position(position as i64), delivery: Ok(delivery) }
    }

    #[test]
    fn none_is_left_out_and_large_ones_go_alone() {
        let half = MOST / 2;
        for (sizes, expected) in [
            (vec![], vec![]),
            (vec![0, 0, 12_000], vec![3]),
            (vec![half, half, 1], vec![2, 1]),
            (vec![MOST + 1, MOST + 1, 5], vec![1, 1, 1]),
            (vec![5, MOST, 5, 5], vec![1, 1, 2]),
        ] {
            let batch: Vec<Received> =
                sizes.iter().enumerate().map(|(at, size)| received(at, *size)).collect();
            let portions: Vec<&[Received]> = portions(&batch).collect();
            assert_eq!(portions.iter().map(|part| part.len()).collect::<Vec<_>>(), expected, "{sizes:?}");
            assert_eq!(portions.concat(), batch);
        }
    }
}
