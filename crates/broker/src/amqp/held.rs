//! Which messages of a channel are acked, when some in between are not to be.

use std::collections::BTreeSet;

use lapin::types::DeliveryTag;

/// The messages of one channel, by delivery tag; tags count up from 1.
#[derive(Debug, Default)]
pub(super) struct Tags {
    handed_out: DeliveryTag,
    acked: DeliveryTag,
    /// Never to be acked here.
    held: BTreeSet<DeliveryTag>,
}

/// One ack to send.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ack {
    pub tag: DeliveryTag,
    /// All up to the tag.
    pub multiple: bool,
}

impl Tags {
    pub(super) fn hand_out(&mut self, tag: DeliveryTag) {
        self.handed_out = self.handed_out.max(tag);
    }

    pub(super) fn hold(&mut self, tag: DeliveryTag) {
        self.hand_out(tag);
        self.held.insert(tag);
    }

    pub(super) fn held(&self) -> usize {
        self.held.len()
    }

    pub(super) fn unacked(&self) -> u64 {
        self.handed_out - self.acked
    }

    /// What to send so that everything up to `up_to` is acked, except what is held. An ack of what
    /// is acked already would make the broker close the channel, so there is none.
    pub(super) fn ack(&mut self, up_to: DeliveryTag) -> Vec<Ack> {
        let up_to = up_to.min(self.handed_out);
        let mut acks = Vec::new();
        if up_to <= self.acked {
            return acks;
        }
        match self.held.first() {
            Some(&first) if first <= up_to => {
                // Up to the first that is held in one, from there one by one.
                if self.acked + 1 < first {
                    acks.push(Ack { tag: first - 1, multiple: true });
                }
                let singly = (self.acked + 1).max(first)..=up_to;
                let singly = singly.filter(|tag| !self.held.contains(tag));
                acks.extend(singly.map(|tag| Ack { tag, multiple: false }));
            }
            _ => acks.push(Ack { tag: up_to, multiple: true }),
        }
        self.acked = up_to;
        acks
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// A broker's view: what is acked is what was asked for, once, and never what is held.
        #[test]
        fn everything_but_what_is_held_is_acked_once(
            held in prop::collection::btree_set(1u64..40, 0..6),
            asked in prop::collection::vec(0u64..60, 1..12),
        ) {
            let mut tags = Tags::default();
            for tag in 1..40 {
                if held.contains(&tag) { tags.hold(tag) } else { tags.hand_out(tag) }
            }
            let mut acked = BTreeSet::new();
            for up_to in &asked {
                for ack in tags.ack(*up_to) {
                    let first = if ack.multiple { 1 } else { ack.tag };
                    let now: Vec<_> = (first..=ack.tag).filter(|tag| !acked.contains(tag)).collect();
                    prop_assert!(!now.is_empty(), "{ack:?} acks nothing new");
                    prop_assert!(!ack.multiple || now.iter().all(|tag| !held.contains(tag)));
                    acked.extend(now);
                }
            }
            let last = asked.iter().copied().max().unwrap_or(0).min(39);
            let expected: BTreeSet<_> = (1..=last).filter(|tag| !held.contains(tag)).collect();
            prop_assert_eq!(acked, expected);
        }
    }
}
