//! Sensitive words of an app, and what is done about them.

use anser_storage::command::{Command, WordCommand};
use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::http::{Response, StatusCode, Uri};
use serde_json::{Value, json};

use super::page::Page;
use super::refusal::of_im;
use super::{empty, field, invalid};
use crate::clock::Written;
use crate::context::{Context, Shared};
use crate::rest::access::Caller;
use crate::rest::body;
use crate::rest::family::Family;
use crate::rest::fault::{Fault, json_response};
use crate::rest::lenient::{as_bool, as_name, member};
use crate::rest::path::query_value;

const PAGE_MAX: usize = 2000;

/// `POST /v1/sensitiveword`
pub async fn add_words(
    context: State<Shared>,
    caller: Extension<Caller>,
    request: Request,
) -> Result<Response<Body>, Fault> {
    let body = body::json(Family::Im, request).await?;
    let words_max = context.config.limits.sensitive_words;
    let words = parse_words(&context, &body)?;
    change(&context, WordCommand::Add { app: caller.app, words, words_max }).await
}

/// `PUT /v1/sensitiveword`
pub async fn replace_word(
    context: State<Shared>,
    caller: Extension<Caller>,
    request: Request,
) -> Result<Response<Body>, Fault> {
    let body = body::json(Family::Im, request).await?;
    let body = field::object(&body)?;
    let word = |key: &str| {
        let word = member(body, key).ok_or_else(|| invalid(format!("{key} is missing")))?;
        parse_word(&context, word)
    };
    let (old, new) = (word("old_word")?, word("new_word")?);
    change(&context, WordCommand::Replace { app: caller.app, old, new }).await
}

/// `DELETE /v1/sensitiveword`: one word; one client sends a list.
pub async fn remove_words(
    context: State<Shared>,
    caller: Extension<Caller>,
    request: Request,
) -> Result<Response<Body>, Fault> {
    let words = match body::json(Family::Im, request).await? {
        Value::Object(body) => {
            let word = member(&body, "word").ok_or_else(|| invalid("word is missing"))?;
            vec![parse_word(&context, word)?]
        }
        list => parse_words(&context, &list)?,
    };
    change(&context, WordCommand::Remove { app: caller.app, words }).await
}

/// `GET /v1/sensitiveword`
pub async fn list_words(context: State<Shared>, caller: Extension<Caller>, uri: Uri) -> Result<Response<Body>, Fault> {
    let page = Page::parse(&uri, PAGE_MAX)?;
    let app = caller.app;
    let list = context.ledger.read(move |snapshot| snapshot.words(app)).await;
    let list = list.map_err(|error| Family::Im.unavailable(&error))?;
    let skipped = usize::try_from(page.start).unwrap_or(usize::MAX);
    let zone = context.config.time_zone;
    let shown = list.words.iter().skip(skipped).take(page.count);
    let shown: Vec<Value> =
        shown.map(|word| json!({"name": word.text, "itime": Written(word.added_ms, zone).to_string()})).collect();
    let (total, count) = (list.words.len(), shown.len());
    Ok(json_response(StatusCode::OK, &json!({"start": page.start, "count": count, "total": total, "words": shown})))
}

/// `PUT /v1/sensitiveword/status`: in the query; one client puts it into the body. `mode` is ours: `mask` covers words by
/// stars instead of refusing the message, `refuse` does not any more.
pub async fn set_word_filter(
    context: State<Shared>,
    caller: Extension<Caller>,
    request: Request,
) -> Result<Response<Body>, Fault> {
    let (mut status, mut mode) = (in_query(request.uri(), "status"), in_query(request.uri(), "mode"));
    if status.is_none() {
        let body = body::json(Family::Im, request).await?;
        let body = field::object(&body)?;
        status = member(body, "status").cloned();
        mode = mode.or_else(|| member(body, "mode").cloned());
    }
    let is_on = status.as_ref().and_then(as_bool).ok_or_else(|| invalid("status must be 0 or 1"))?;
    let is_masking = match mode.as_ref().map(Value::as_str) {
        None => None,
        Some(Some("mask")) => Some(true),
        Some(Some("refuse")) => Some(false),
        Some(_) => return Err(invalid("mode must be refuse or mask")),
    };
    change(&context, WordCommand::SetFilter { app: caller.app, is_on, is_masking }).await
}

fn in_query(uri: &Uri, name: &str) -> Option<Value> {
    query_value(uri, name).map(|text| Value::String(text.into_owned()))
}

/// `GET /v1/sensitiveword/status`
pub async fn show_word_filter(context: State<Shared>, caller: Extension<Caller>) -> Result<Response<Body>, Fault> {
    let app = caller.app;
    let list = context.ledger.read(move |snapshot| snapshot.words(app)).await;
    let list = list.map_err(|error| Family::Im.unavailable(&error))?;
    let mut shown = json!({"status": u8::from(list.is_on)});
    if list.is_masking {
        shown["mode"] = json!("mask");
    }
    Ok(json_response(StatusCode::OK, &shown))
}

fn parse_words(context: &Context, body: &Value) -> Result<Vec<String>, Fault> {
    let words_max = context.config.limits.sensitive_words as usize;
    let list = body.as_array().filter(|list| (1..=words_max).contains(&list.len()));
    let list = list.ok_or_else(|| invalid(format!("an array of 1 to {words_max} words is expected")))?;
    list.iter().map(|word| parse_word(context, word)).collect()
}

fn parse_word(context: &Context, word: &Value) -> Result<String, Fault> {
    let chars_max = context.config.limits.sensitive_word_chars as usize;
    let word = as_name(word).filter(|word| (1..=chars_max).contains(&word.chars().count()));
    word.ok_or_else(|| invalid(format!("a word has 1 to {chars_max} characters")))
}

async fn change(context: &Context, command: WordCommand) -> Result<Response<Body>, Fault> {
    let outcome =
        context.ledger.submit(Command::Word(command)).await.map_err(|error| Family::Im.unavailable(&error))?;
    outcome.answer.map_err(of_im)?;
    Ok(empty(StatusCode::NO_CONTENT))
}
