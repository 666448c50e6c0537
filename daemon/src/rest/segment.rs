//! The parameter in a path, percent-decoded.

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;

use super::family::Family;
use super::fault::Fault;

/// A path of its own, where a user's name may stand as well.
const USERSTAT: &str = "/v1/users/userstat";

/// The one parameter of a route. Bytes that are not UTF-8 are answered with the family's code.
pub struct Segment(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Segment {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Fault> {
        match Path::<String>::from_request_parts(parts, state).await {
            Ok(Path(text)) => Ok(Self(text)),
            Err(_) if parts.uri.path() == USERSTAT => Ok(Self("userstat".to_owned())),
            Err(_) => Err(Family::of_path(parts.uri.path()).invalid("the path is not UTF-8")),
        }
    }
}
