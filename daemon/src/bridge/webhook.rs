//! The operator's own server, for the channels of vendors and for text messages: one signed POST for each.

use std::path::Path;

use data_encoding::HEXLOWER;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use ring::hmac;
use serde_json::{Value, json};

use super::credentials::{BridgeError, Versions, secret, tls};
use super::endpoint::{Answer, Endpoint};
use super::guard::Reach;
use super::{AT_ONCE_MAX, Clock, Handed, Notice, Sms};
use crate::config::WebhookConfig;

pub(super) struct Webhook {
    endpoint: Endpoint,
    path: String,
    secret: hmac::Key,
    vendors: Vec<String>,
    sms: bool,
    clock: Clock,
}

impl Webhook {
    pub(super) fn new(config: &WebhookConfig, ca: Option<&Path>, clock: Clock) -> Result<Self, BridgeError> {
        let tls = tls(ca, None, Versions::Either)?;
        Ok(Self {
            endpoint: Endpoint::new(config.url.origin.clone(), tls, Reach::Anywhere, AT_ONCE_MAX),
            path: config.url.path.clone(),
            secret: hmac::Key::new(hmac::HMAC_SHA256, &secret(&config.secret_file)?),
            vendors: config.vendors.clone(),
            sms: config.sms,
            clock,
        })
    }

    pub(super) fn takes_vendors(&self) -> bool {
        !self.vendors.is_empty()
    }

    pub(super) fn takes_sms(&self) -> bool {
        self.sms
    }

    pub(super) fn takes_token(&self, token: &str) -> bool {
        let vendor = token.split_once(':').map_or("", |(vendor, _)| vendor);
        self.vendors.iter().any(|taken| taken == "*" || taken == vendor)
    }

    pub(super) async fn send(&self, token: &str, notice: &Notice) -> Handed {
        let Some((vendor, token)) =
            token.split_once(':').filter(|(vendor, token)| !vendor.is_empty() && !token.is_empty())
        else {
            return Handed::TokenGone;
        };
        let none = json!({});
        let body = json!({
            "kind": "vendor",
            "vendor": vendor,
            "token": token,
            "app_key": notice.app_key,
            // A text, because many readers of JSON have no whole numbers of 64 bits.
            "msg_id": notice.msg_id.to_string(),
            "registration_id": notice.registration_id,
            "title": notice.title,
            "alert": notice.alert,
            "block": notice.block,
            "extras": notice.extras,
            "options": notice.vendors.get(vendor).filter(|options| options.is_object()).unwrap_or(&none),
            "badge": notice.badge,
            "collapse_id": notice.collapse_id,
            "expires_ms": notice.expires_ms,
        });
        self.post(&body).await
    }

    pub(super) async fn send_sms(&self, sms: &Sms<'_>) -> Handed {
        let body = json!({
            "kind": "sms",
            "mobile": sms.mobile,
            "app_key": sms.app_key,
            "msg_id": sms.msg_id.to_string(),
            "registration_id": sms.registration_id,
            "temp_id": sms.text.temp_id,
            "temp_para": sms.text.temp_para,
            "signid": sms.text.signid,
            "delay_time": sms.text.delay_s,
        });
        self.post(&body).await
    }

    async fn post(&self, body: &Value) -> Handed {
        let (body, timestamp) = (body.to_string(), ((self.clock)() / 1000).to_string());
        let signature = hmac::sign(&self.secret, format!("{timestamp}.{body}").as_bytes());
        let signature = format!("v1={}", HEXLOWER.encode(signature.as_ref()));
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for (name, value) in [("x-anser-timestamp", timestamp), ("x-anser-signature", signature)] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_str(&value).expect("digits and letters"));
        }
        let answer = self.endpoint.post(&self.path, headers, body.into()).await;
        answer.map_or_else(Handed::from, |answer| outcome(&answer))
    }
}

fn outcome(answer: &Answer) -> Handed {
    match answer.status.as_u16() {
        200..=299 => Handed::Accepted,
        410 => Handed::TokenGone,
        _ if answer.is_passing() => answer.later(),
        _ => answer.refused(&String::from_utf8_lossy(&answer.body)),
    }
}
