//! `pullwright deliveries replay`: a stored delivery is decided anew.

use schemas::DeliveryId;
use serde::Deserialize;

use super::decided;
use crate::cli::client::Client;
use crate::cli::output::Output;
use crate::cli::{CliError, Ending};

#[derive(Deserialize)]
struct Replayed {
    delivery: DeliveryId,
}

pub(in crate::cli) async fn replay(
    client: &Client,
    id: DeliveryId,
    observe: bool,
    out: &mut Output<'_>,
) -> Result<Ending, CliError> {
    let answer =
        client.post::<Replayed>(&format!("/api/v1/deliveries/{id}/replay?observe={observe}")).await?;
    decided::follow(client, answer.value.delivery, out).await
}
