//! Request bodies: read within a size and a time, then parsed as JSON whatever the content type says.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::Request;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::Value;

use super::family::Family;
use super::fault::Fault;

/// A caller on a slow network still sends a megabyte in this time; one that trickles is cut off.
const READ_WITHIN: Duration = Duration::from_secs(30);

/// The largest body of each family. Registering 500 users with full profiles stays below the last one.
fn bytes_max(family: Family) -> usize {
    match family {
        Family::Push | Family::Device | Family::Report | Family::Admin => 1 << 20,
        // A page shows fifty of them.
        Family::Schedule => 256 << 10,
        Family::Im => 2 << 20,
    }
}

pub async fn json(family: Family, request: Request) -> Result<Value, Fault> {
    json_within(family, request, bytes_max(family)).await
}

/// The same with the text that it was read from.
pub async fn json_and_text(family: Family, request: Request) -> Result<(Value, Bytes), Fault> {
    read_json(family, request, bytes_max(family)).await
}

/// The same for the few calls whose bodies are larger.
pub async fn json_within(family: Family, request: Request, bytes_max: usize) -> Result<Value, Fault> {
    read_json(family, request, bytes_max).await.map(|(value, _)| value)
}

async fn read_json(family: Family, request: Request, bytes_max: usize) -> Result<(Value, Bytes), Fault> {
    let says_encrypted = request.headers().contains_key("x-encrypt-type");
    let bytes = read(family, request, bytes_max).await?;
    // Clients that have an empty object leave the body out.
    let text: &[u8] = if family == Family::Im && bytes.is_empty() { b"{}" } else { &bytes };
    match serde_json::from_slice(text) {
        Ok(value) if says_encrypted && is_encrypted(family, &value) => {
            Err(family.invalid("encrypted payloads are not supported: send the body in the clear, over TLS"))
        }
        Ok(value) => Ok((value, bytes)),
        Err(error) => Err(family.invalid(format!("the request body is not JSON: {error}"))),
    }
}

/// Java clients that encrypt pushes say so with every call, also where the body is in the clear.
fn is_encrypted(family: Family, body: &Value) -> bool {
    match family {
        Family::Im => true,
        _ => body.get("payload").is_some_and(Value::is_string) && body.get("platform").is_none(),
    }
}

async fn read(family: Family, request: Request, bytes_max: usize) -> Result<Bytes, Fault> {
    let body = Limited::new(request.into_body(), bytes_max);
    match tokio::time::timeout(READ_WITHIN, body.collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(family.too_large()),
        Ok(Err(_)) => Err(family.invalid("the request body ended early")),
        Err(_) => Err(family.invalid("the request body came too slowly")),
    }
}
