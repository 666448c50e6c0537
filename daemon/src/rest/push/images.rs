//! Images that a push names by their media ids: devices are told where they are.

use std::collections::BTreeMap;

use anser_protocol::content::{Platform, PushContent};
use anser_storage::command::{FileKind, FileOwner};
use anser_storage::ids::AppNumber;
use serde_json::Value;

use crate::clock::now_ms;
use crate::context::Context;
use crate::rest::family::Family;
use crate::rest::fault::Fault;
use crate::rest::image::{MEDIA_PREFIX, parse_media_id, url_of};
use crate::rest::lenient::Object;

/// Members of a notification that show an image.
const KEYS: [&str; 3] = ["large_icon", "small_icon_uri", "big_pic_path"];

/// Puts the URL in the place of each media id. One that the app does not have, or no longer, is a mistake of the caller:
/// no device could do anything with it.
pub async fn fill_in(context: &Context, app: AppNumber, contents: &mut [(Platform, PushContent)]) -> Result<(), Fault> {
    let mut blocks = Vec::new();
    for (_, content) in contents.iter_mut() {
        let Some(notification) = &mut content.notification else { continue };
        if !notification.options.contains(MEDIA_PREFIX) {
            continue;
        }
        if let Ok(options) = serde_json::from_str::<Object>(&notification.options) {
            blocks.push((notification, options));
        }
    }
    let ids: Vec<String> = blocks.iter().flat_map(|(_, options)| media_ids(options)).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let urls = urls(context, app, ids).await?;
    for (notification, mut options) in blocks {
        for key in KEYS {
            if let Some(Value::String(text)) = options.get_mut(key)
                && text.starts_with(MEDIA_PREFIX)
            {
                let url = urls.get(text.as_str()).ok_or_else(|| unknown(key))?;
                text.clone_from(url);
            }
        }
        notification.options = Value::Object(options).to_string();
    }
    Ok(())
}

fn media_ids(options: &Object) -> impl Iterator<Item = String> {
    let texts = KEYS.iter().filter_map(|key| options.get(*key)?.as_str());
    texts.filter(|text| text.starts_with(MEDIA_PREFIX)).map(str::to_owned)
}

/// Where the images are that the app has.
async fn urls(context: &Context, app: AppNumber, ids: Vec<String>) -> Result<BTreeMap<String, String>, Fault> {
    let now_ms = now_ms();
    let found = context.ledger.read(move |snapshot| {
        let mut urls = BTreeMap::new();
        let Some(row) = snapshot.app(app)? else { return Ok(urls) };
        for text in &ids {
            let Some((image_type, id)) = parse_media_id(text) else { continue };
            let Some(file) = snapshot.file(&FileOwner::App(app), id, now_ms)? else { continue };
            let is_it = matches!(file.kind, FileKind::Image { image_type: own, .. } if own == image_type);
            urls.extend(url_of(&row.app_key, id, &file.kind).filter(|_| is_it).map(|url| (text.clone(), url)));
        }
        Ok(urls)
    });
    found.await.map_err(|error| Family::Push.unavailable(&error))
}

fn unknown(key: &str) -> Fault {
    Family::Push.invalid(format!("{key} names an image that this app does not have, or not any more"))
}
