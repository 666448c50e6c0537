//! Opening a store: the heads that a crash kept out of their table are read from the log's tail again.

use anser_protocol::planted::{Fault, is_planted};
use redb::{Database, ReadableDatabase};

use crate::command::Class;
use crate::error::{OpenError, ReadError};
use crate::heads::{DirtyHeads, Head};
use crate::ids::AppNumber;
use crate::key::{Key, behind_prefix, u32_at};
use crate::row::{self, Row};
use crate::rows::app::App;
use crate::rows::meta::{Checkpoint, Counters};
use crate::rows::record::{Body, Record, log_key, log_prefix};
use crate::table::Table;
use crate::tables::{NEXT, ReadTables};

/// What a store knows in memory when it opens.
pub(crate) struct Recovered {
    pub counters: Counters,
    pub heads: DirtyHeads,
    /// Rows of the tail that could not be read.
    pub damaged: u64,
    /// Since the last checkpoint.
    pub log_bytes: u64,
}

pub(crate) fn recover(database: &Database) -> Result<Recovered, OpenError> {
    let tables = ReadTables::new(database.begin_read().map_err(OpenError::from_redb)?);
    let counters: Counters = meta(&tables, &Counters::key())?;
    let checkpoint: Checkpoint = meta(&tables, &Checkpoint::key())?;
    let mut recovered = Recovered { counters, heads: DirtyHeads::default(), damaged: 0, log_bytes: 0 };
    if is_planted(Fault::NoHeadReplay) {
        return Ok(recovered);
    }
    for app in live_apps(&tables)? {
        for class in Class::ALL {
            replay(&tables, app, class, checkpoint, &mut recovered)?;
        }
    }
    Ok(recovered)
}

fn meta<R: Row>(tables: &ReadTables, key: &Key) -> Result<R, OpenError> {
    let found = tables.value(R::TABLE, key.as_bytes(), |value| row::decode::<R>(key.as_bytes(), value))?;
    Ok(found.ok_or_else(|| OpenError::Damaged("a row about the store itself is missing".into()))??)
}

/// Apps under deletion are left out: nobody reads their chains any more, and heads that went already must not come back.
fn live_apps(tables: &ReadTables) -> Result<Vec<AppNumber>, OpenError> {
    let mut apps = Vec::new();
    tables.scan(Table::Apps, &[], None, &mut |key, value| {
        let is_deleted = row::decode::<App>(key, value).is_ok_and(|app| app.is_deleted);
        apps.extend(u32_at(key, 0).filter(|_| !is_deleted).map(AppNumber));
        Ok(NEXT)
    })?;
    Ok(apps)
}

/// A damaged record does not keep the store from opening: the records around it are read, and it is reported.
fn replay(
    tables: &ReadTables,
    app: AppNumber,
    class: Class,
    checkpoint: Checkpoint,
    recovered: &mut Recovered,
) -> Result<(), ReadError> {
    let from = log_key(app, class, checkpoint.replay_from);
    let to = behind_prefix(log_prefix(app, class).as_bytes());
    tables.scan(Table::Log, from.as_bytes(), to.as_deref(), &mut |key, value| {
        recovered.log_bytes += (key.len() + value.len()) as u64;
        match row::decode::<Record>(key, value) {
            Ok(record) => raise_heads(&mut recovered.heads, key, &record),
            Err(error) => {
                recovered.damaged += 1;
                ::log::error!("while the heads were recovered: {error}");
            }
        }
        Ok(NEXT)
    })
}

/// The tail is read in order of positions, so the last record of a chain stays.
fn raise_heads(heads: &mut DirtyHeads, key: &[u8], record: &Record) {
    let Some(last) = crate::key::u64_at(key, 5).map(anser_protocol::ids::Position) else { return };
    if record.seq > 0 {
        heads.insert(record.chain, Head { last, seq: record.seq, outbox: 0 });
    }
    let sent = match &record.body {
        Body::Message(message) => message.sent,
        Body::Room(message) => message.sent,
        Body::Event(_) | Body::Push(_) | Body::Release(_) | Body::Amended(_) | Body::Notice(_) | Body::Change(_) => {
            None
        }
    };
    // What a device sent lies in two classes, which are read one after the other.
    if let Some(sent) = sent
        && heads.get(sent.chain).is_none_or(|known| known.last < last)
    {
        heads.insert(sent.chain, Head { last, seq: sent.seq, outbox: sent.outbox + sent.behind });
    }
}
