//! Who asks: a user's token, an App's installation token, or an App's JSON Web Token.
//!
//! Accepted as `Bearer`, `token` or the password of `Basic`
//! (<https://docs.github.com/en/rest/authentication>).

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use schemas::automation::Permission;
use serde::Deserialize;

use crate::answer::ApiError;
use crate::model::{Model, Repository, Token};
use crate::world::World;

/// The authenticated caller of a request.
#[derive(Debug, Clone)]
pub(crate) enum Caller {
    /// A user, by login.
    User { login: String },
    /// The App, acting through an installation on `owner`.
    Installation { login: String, owner: String, repositories: Option<Vec<String>> },
    /// The App itself.
    App,
}

/// The claims of an App's JSON Web Token.
#[derive(Deserialize)]
struct Claims {
    iss: serde_json::Value,
    iat: i64,
    exp: i64,
}

impl Caller {
    /// Finds the caller by the `Authorization` header.
    pub(crate) fn from_headers(world: &World, headers: &HeaderMap) -> Result<Self, ApiError> {
        let Some(value) = headers.get(header::AUTHORIZATION) else {
            return Err(ApiError::new(StatusCode::UNAUTHORIZED, "Requires authentication"));
        };
        let secret = value.to_str().ok().and_then(credential).ok_or_else(bad_credentials)?;
        let token = world.model().tokens.get(&secret).cloned();
        match token {
            Some(Token::User { login }) => Ok(Self::User { login }),
            Some(Token::Installation { expires_at, .. }) if expires_at <= world.clock.now() => {
                Err(bad_credentials())
            }
            Some(Token::Installation { owner, repositories, .. }) => {
                Ok(Self::Installation { login: world.bot().login, owner, repositories })
            }
            None => check_jwt(world, &secret).map(|()| Self::App),
        }
    }

    /// The login that the caller's doings are shown under.
    pub(crate) fn login(&self) -> &str {
        match self {
            Self::User { login } | Self::Installation { login, .. } => login,
            Self::App => "",
        }
    }

    /// What the caller may do in a repository.
    pub(crate) fn permission(&self, repository: &Repository) -> Permission {
        match self {
            Self::User { login } => repository.permission(login),
            Self::Installation { owner, repositories, .. } => {
                let key = Model::key(&repository.owner, &repository.name);
                let covered = repository.owner.eq_ignore_ascii_case(owner)
                    && repositories.as_ref().is_none_or(|list| list.contains(&key));
                if covered { Permission::Write } else { repository.permission("") }
            }
            Self::App => Permission::None,
        }
    }

    /// The repository, when the caller may do `need` there. Hidden ones are 404, as on GitHub.
    pub(crate) fn enter<'m>(
        &self,
        model: &'m mut Model,
        owner: &str,
        name: &str,
        need: Permission,
    ) -> Result<&'m mut Repository, ApiError> {
        let repository = model.repository_mut(owner, name).ok_or_else(ApiError::not_found)?;
        let has = self.permission(repository);
        if has < Permission::Read {
            return Err(ApiError::not_found());
        }
        if has < need {
            return Err(ApiError::forbidden(match self {
                Self::User { .. } => "Resource not accessible by personal access token",
                _ => "Resource not accessible by integration",
            }));
        }
        if repository.archived && need > Permission::Read {
            return Err(ApiError::forbidden("Repository was archived so is read-only."));
        }
        Ok(repository)
    }
}

impl FromRequestParts<Arc<World>> for Caller {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, world: &Arc<World>) -> Result<Self, ApiError> {
        Self::from_headers(world, &parts.headers)
    }
}

/// The secret of an `Authorization` header.
pub(crate) fn credential(value: &str) -> Option<String> {
    let (scheme, rest) = value.split_once(' ')?;
    let rest = rest.trim();
    match scheme.to_ascii_lowercase().as_str() {
        "bearer" | "token" => Some(rest.to_owned()),
        "basic" => {
            let decoded = String::from_utf8(BASE64_STANDARD.decode(rest).ok()?).ok()?;
            decoded.split_once(':').map(|(_, password)| password.to_owned())
        }
        _ => None,
    }
}

/// Checks the claims as GitHub does; the signature is not checked, since no key was exchanged.
fn check_jwt(world: &World, token: &str) -> Result<(), ApiError> {
    let mut parts = token.split('.');
    let (Some(_), Some(claims), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(bad_credentials());
    };
    let unreadable = || ApiError::new(StatusCode::UNAUTHORIZED, "A JSON web token could not be decoded");
    let claims = BASE64_URL_SAFE_NO_PAD.decode(claims).map_err(|_| unreadable())?;
    let claims: Claims = serde_json::from_slice(&claims).map_err(|_| unreadable())?;
    let refuse = |message: &str| Err(ApiError::new(StatusCode::UNAUTHORIZED, message));
    let issuer = claims.iss.as_u64().or_else(|| claims.iss.as_str().and_then(|s| s.parse().ok()));
    let now = world.clock.now().timestamp();
    if issuer != Some(world.app.id) {
        return Err(ApiError::new(StatusCode::NOT_FOUND, "Integration not found"));
    }
    if claims.iat > now {
        return refuse(
            "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
        );
    }
    if claims.exp <= now {
        return refuse(
            "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires",
        );
    }
    if claims.exp > now + 600 {
        return refuse("'Expiration time' claim ('exp') is too far in the future");
    }
    Ok(())
}

fn bad_credentials() -> ApiError {
    ApiError::new(StatusCode::UNAUTHORIZED, "Bad credentials")
}
