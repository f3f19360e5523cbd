//! The API behind a bearer token: what the CLI and the dashboard show. OpenAPI is generated from it.

mod answer;
mod approve;
mod automations;
mod backtest;
mod budgets;
mod deliveries;
mod explain;
mod replay;
mod runs;
mod schedules;
mod tail;
mod token;
mod workers;

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::routing::get;
use axum::{Json, Router, middleware};
use utoipa::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Dispatcher;

pub use token::AdminToken;

#[derive(OpenApi)]
#[openapi(
    info(title = "Pullwright", description = "Events in, pull requests out: what happened, and why.", license(name = "Apache-2.0", identifier = "Apache-2.0")),
    modifiers(&BearerToken),
    security(("token" = []))
)]
struct Document;

struct BearerToken;

impl utoipa::Modify for BearerToken {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
        openapi.components.get_or_insert_default().add_security_scheme("token", scheme);
    }
}

fn routes() -> OpenApiRouter<Arc<Dispatcher>> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(deliveries::list))
        .routes(routes!(deliveries::show))
        .routes(routes!(explain::explain))
        .routes(routes!(replay::replay))
        .routes(routes!(tail::tail))
        .routes(routes!(runs::list))
        .routes(routes!(runs::show))
        .routes(routes!(runs::logs))
        .routes(routes!(runs::cancel))
        .routes(routes!(approve::approve))
        .routes(routes!(budgets::list))
        .routes(routes!(automations::list))
        .routes(routes!(automations::show))
        .routes(routes!(schedules::list))
        .routes(routes!(backtest::backtest))
        .routes(routes!(workers::list))
        .routes(routes!(workers::show))
        .routes(routes!(workers::enrol))
        .routes(routes!(workers::drain))
        .routes(routes!(workers::resume))
        .routes(routes!(workers::revoke))
}

/// The API's routes below `/api/v1`, all behind the token.
pub fn router(dispatcher: Arc<Dispatcher>, token: AdminToken) -> Router {
    let (router, openapi) = routes().with_state(dispatcher).split_for_parts();
    router
        .route("/api/v1/openapi.json", get(move || async move { Json(openapi) }))
        .fallback(answer::no_such_route)
        // Thousands of automations are sent to be tried.
        .layer(DefaultBodyLimit::max(64 << 20))
        .layer(middleware::from_fn_with_state(token, token::require))
}

/// The OpenAPI document.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    routes().into_openapi()
}
