//! What the admin socket is asked about open links: who holds them, and that some end.

use std::net::{IpAddr, SocketAddr};

use anser_protocol::ids::TimeMs;
use anser_storage::ids::{AppNumber, DeviceNumber, UserNumber};
use serde::{Deserialize, Serialize};

use super::Reply;
use super::server::{find, unavailable};
use crate::context::Shared;
use crate::link::About;
use crate::observe::Transport;

/// Links in one answer.
pub const LINKS_PER_PAGE: usize = 1000;
/// Characters of what a kicked client is told.
const REASON_CHARS_MAX: usize = 200;

/// Which links are meant: those to which all of it applies.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkFilter {
    /// A name or an app key.
    pub app: Option<String>,
    pub user: Option<String>,
    /// A registration id.
    pub device: Option<String>,
    pub address: Option<IpAddr>,
    pub link: Option<u64>,
}

impl LinkFilter {
    fn names_nothing(&self) -> bool {
        *self == Self::default()
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinksShown {
    pub links: Vec<LinkShown>,
    /// How many are of this kind in all.
    pub all: usize,
    /// Where the next page begins, if there is one.
    pub after: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkShown {
    pub link: u64,
    pub transport: Transport,
    pub address: SocketAddr,
    pub since_ms: TimeMs,
    /// Nothing before the hello.
    pub app: Option<String>,
    pub device: Option<String>,
    pub user: Option<String>,
}

/// A filter whose names were looked up.
struct Wanted {
    app: Option<AppNumber>,
    user: Option<(AppNumber, UserNumber)>,
    device: Option<(AppNumber, DeviceNumber)>,
    address: Option<IpAddr>,
    link: Option<u64>,
}

impl Wanted {
    fn has(&self, about: &About) -> bool {
        self.app.is_none_or(|app| about.device.is_some_and(|(of, _)| of == app))
            && (self.user.is_none() || about.user == self.user)
            && (self.device.is_none() || about.device == self.device)
            && self.address.is_none_or(|address| about.from.peer.ip().to_canonical() == address.to_canonical())
            && self.link.is_none_or(|link| about.number == link)
    }
}

pub async fn list(context: &Shared, filter: LinkFilter, after: Option<u64>, limit: usize) -> Result<Reply, String> {
    let wanted = looked_up(context, &filter).await?;
    let limit = limit.clamp(1, LINKS_PER_PAGE);
    let (page, all) = context.links.list(after, limit, |about| wanted.has(about));
    let after = page.last().map(|about| about.number).filter(|_| page.len() == limit);
    Ok(Reply::Links(LinksShown { links: named(context, page).await?, all, after }))
}

pub async fn kick(context: &Shared, filter: LinkFilter, reason: String, all: bool) -> Result<Reply, String> {
    if filter.names_nothing() && !all {
        return Err("name whose links are to end: --app, --user, --device, --address or --link, or --all".to_owned());
    }
    if reason.chars().count() > REASON_CHARS_MAX || reason.chars().any(char::is_control) {
        return Err(format!("the reason has at most {REASON_CHARS_MAX} characters and no control characters"));
    }
    let wanted = looked_up(context, &filter).await?;
    let (meant, _) = context.links.list(None, usize::MAX, |about| wanted.has(about));
    let numbers: Vec<u64> = meant.iter().map(|about| about.number).collect();
    let links = context.links.kick(&numbers, &reason);
    log::info!(links; "an operator ended links");
    Ok(Reply::Kicked { links })
}

async fn looked_up(context: &Shared, filter: &LinkFilter) -> Result<Wanted, String> {
    let app = match &filter.app {
        Some(app) => Some(find(context, app).await?.0),
        None => None,
    };
    let needs = |what: &str| format!("name the app of this {what} with --app");
    let user = match &filter.user {
        None => None,
        Some(name) => {
            let (app, wanted) = (app.ok_or_else(|| needs("user"))?, name.clone());
            let found = context.ledger.read(move |snapshot| snapshot.user_by_name(app, &wanted)).await;
            let found = found.map_err(unavailable)?.ok_or_else(|| format!("the app has no user {name:?}"))?;
            Some((app, found.0))
        }
    };
    let device = match &filter.device {
        None => None,
        Some(id) => {
            let (app, wanted) = (app.ok_or_else(|| needs("device"))?, id.clone());
            let found = context.ledger.read(move |snapshot| snapshot.device_by_registration_id(app, &wanted)).await;
            let found = found.map_err(unavailable)?.ok_or_else(|| format!("the app has no device {id:?}"))?;
            Some((app, found.0))
        }
    };
    Ok(Wanted { app, user, device, address: filter.address, link: filter.link })
}

/// A page with names in place of numbers.
async fn named(context: &Shared, page: Vec<About>) -> Result<Vec<LinkShown>, String> {
    let read = context.ledger.read(move |snapshot| {
        let mut shown = Vec::with_capacity(page.len());
        for about in &page {
            let app = about.device.map(|(app, _)| snapshot.app(app)).transpose()?.flatten();
            let device = about.device.map(|(app, device)| snapshot.device(app, device)).transpose()?.flatten();
            let user = about.user.map(|(app, user)| snapshot.user(app, user)).transpose()?.flatten();
            shown.push(LinkShown {
                link: about.number,
                transport: about.from.transport,
                address: about.from.peer,
                since_ms: about.since_ms,
                app: app.map(|app| app.name),
                device: device.map(|device| device.registration_id),
                user: user.map(|user| user.username.to_string()),
            });
        }
        Ok(shown)
    });
    read.await.map_err(unavailable)
}
