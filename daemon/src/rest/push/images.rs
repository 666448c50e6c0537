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

/// Puts the URL in the place of each media id. In a notification, one that the app does not have, or no longer, is a mistake
/// of the caller: no device could do anything with it. What vendors are given is never a mistake, and stays as it is.
pub async fn fill_in(
    context: &Context,
    app: AppNumber,
    contents: &mut [(Platform, PushContent)],
    kept: &mut String,
) -> Result<(), Fault> {
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
    let mut for_bridges: Object = match kept.contains(MEDIA_PREFIX) {
        true => serde_json::from_str(kept).unwrap_or_default(),
        false => Object::new(),
    };
    let mut ids: Vec<String> = blocks.iter().flat_map(|(_, options)| media_ids(options)).collect();
    ids.extend(vendors(&mut for_bridges).flat_map(|vendor| media_ids(vendor)));
    visit_third(&mut for_bridges, |block| ids.extend(media_ids(block)));
    if ids.is_empty() {
        return Ok(());
    }
    let urls = urls(context, app, ids).await?;
    for (notification, mut options) in blocks {
        if let Some(key) = put_urls(&mut options, &urls) {
            return Err(unknown(key));
        }
        notification.options = Value::Object(options).to_string();
    }
    for vendor in vendors(&mut for_bridges) {
        put_urls(vendor, &urls);
    }
    visit_third(&mut for_bridges, |block| {
        put_urls(block, &urls);
    });
    if !for_bridges.is_empty() {
        *kept = Value::Object(for_bridges).to_string();
    }
    Ok(())
}

/// The blocks of `options.third_party_channel`.
fn vendors(kept: &mut Object) -> impl Iterator<Item = &mut Object> {
    let channel = kept.get_mut("options").and_then(|options| options.get_mut("third_party_channel"));
    let channel = channel.and_then(Value::as_object_mut);
    channel.into_iter().flat_map(|channel| channel.values_mut().filter_map(Value::as_object_mut))
}

/// `notification_3rd` itself, of which the first version has them, and its blocks for platforms, of which the second has.
fn visit_third(kept: &mut Object, mut visit: impl FnMut(&mut Object)) {
    let Some(third) = kept.get_mut("notification_3rd").and_then(Value::as_object_mut) else { return };
    visit(third);
    third.values_mut().filter_map(Value::as_object_mut).for_each(visit);
}

/// Returns a member whose image is unknown, if there is one.
fn put_urls(block: &mut Object, urls: &BTreeMap<String, String>) -> Option<&'static str> {
    let mut unknown = None;
    for key in KEYS {
        if let Some(Value::String(text)) = block.get_mut(key)
            && text.starts_with(MEDIA_PREFIX)
        {
            match urls.get(text.as_str()) {
                Some(url) => text.clone_from(url),
                None => unknown = Some(key),
            }
        }
    }
    unknown
}

fn media_ids(options: &Object) -> Vec<String> {
    let texts = KEYS.iter().filter_map(|key| options.get(*key)?.as_str());
    texts.filter(|text| text.starts_with(MEDIA_PREFIX)).map(str::to_owned).collect()
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
