//! Segments: made, deleted, and turned into sets of devices when a push names them.

use std::collections::BTreeMap;

use anser_protocol::content::Platform;
use anser_protocol::ids::TimeMs;
use anser_protocol::traits::TraitKind;

use super::{Batch, Decided};
use crate::command::SegmentCommand;
use crate::error::ReadError;
use crate::ids::{AppNumber, SegmentId, TagNumber};
use crate::outcome::{Answer, Refusal};
use crate::rows::chunk::{Chunk, ChunkRow, PlatformChunk, PresenceChunk, TraitChunk, platform_chunk_key};
use crate::rows::presence::{DAY_MS, Span, oldest, platform_and_chunk, presence_span_key};
use crate::rows::traits::{OTHER, Segment, TraitValue, segment_key, trait_chunk_key, trait_prefix, value_of};
use crate::segment::{Condition, Version};
use crate::table::Table;
use crate::tables::{NEXT, Tables};

/// Segments of one app.
const SEGMENTS_MAX: usize = 1000;

/// A condition with its names looked up.
pub(super) enum Test {
    Platforms(Vec<Platform>),
    /// Devices with one of these values.
    Values(TraitKind, Vec<String>),
    Tags(Vec<TagNumber>),
    NoTags(Vec<TagNumber>),
    /// Devices of a span of time.
    Among(BTreeMap<u32, Chunk>),
    NotAmong(BTreeMap<u32, Chunk>),
    /// A name that nobody bears.
    Nobody,
}

impl Batch<'_> {
    pub(super) fn segment(&mut self, command: &SegmentCommand) -> Decided<Answer> {
        match command {
            SegmentCommand::Create { app, name, conditions } => {
                self.require_app(*app)?;
                if self.keys(Table::Segments, &crate::key::Key::app(*app), SEGMENTS_MAX)?.len() >= SEGMENTS_MAX {
                    return Err(Refusal::TooManySegments.into());
                }
                let segment = SegmentId(self.take_position().0);
                let row = Segment { name: name.clone(), conditions: conditions.clone(), created_ms: self.now_ms() };
                self.put(&segment_key(*app, segment), &row)?;
                Ok(Answer::Segment(segment))
            }
            SegmentCommand::Delete { app, segment } => {
                self.require_app(*app)?;
                let key = segment_key(*app, *segment);
                if !self.has(Table::Segments, &key)? {
                    return Err(Refusal::SegmentUnknown.into());
                }
                self.remove(Table::Segments, &key)?;
                Ok(Answer::Done)
            }
        }
    }

    /// What devices must pass to be in all of these segments.
    pub(super) fn resolve_segments(&self, app: AppNumber, segments: &[SegmentId]) -> Decided<Vec<Test>> {
        let mut tests = Vec::new();
        for segment in segments {
            let row: Option<Segment> = self.row(&segment_key(app, *segment))?;
            for condition in row.ok_or(Refusal::SegmentUnknown)?.conditions {
                tests.extend(self.resolve_condition(app, condition)?);
            }
        }
        Ok(tests)
    }

    fn resolve_condition(&self, app: AppNumber, condition: Condition) -> Result<Vec<Test>, ReadError> {
        Ok(match condition {
            Condition::Platform(platforms) => vec![Test::Platforms(platforms)],
            Condition::Version { of, compare, with } => {
                let Some(with) = Version::parse(&with) else { return Ok(vec![Test::Nobody]) };
                let values = self.trait_values(app, of)?.into_iter();
                let is_meant =
                    |value: &String| Version::parse(value).is_some_and(|version| compare.holds(version.cmp(&with)));
                vec![Test::Values(of, values.filter(is_meant).collect())]
            }
            Condition::Trait { of, any } => {
                vec![Test::Values(of, any.into_iter().filter(|value| value != OTHER).collect())]
            }
            Condition::AnyTag(names) => vec![Test::Tags(self.known_tags(app, &names)?)],
            Condition::AllTags(names) => {
                let test =
                    |name: &String| Ok(self.tag_number(app, name)?.map_or(Test::Nobody, |tag| Test::Tags(vec![tag])));
                names.iter().map(test).collect::<Result<_, ReadError>>()?
            }
            Condition::NoTag(names) => vec![Test::NoTags(self.known_tags(app, &names)?)],
            Condition::SeenWithin { days } => vec![Test::Among(self.seen_within(app, days)?)],
            Condition::NotSeenFor { days } => vec![Test::NotAmong(self.seen_within(app, days)?)],
            Condition::RegisteredWithin { days } => vec![Test::Among(self.registered_within(app, days)?)],
        })
    }

    /// Those that are counted by themselves.
    fn trait_values(&self, app: AppNumber, kind: TraitKind) -> Result<Vec<String>, ReadError> {
        let mut values = Vec::new();
        self.rows::<TraitValue>(&trait_prefix(app, kind), |key, _| {
            values.extend(value_of(key).filter(|value| *value != OTHER).map(str::to_owned));
            Ok(NEXT)
        })?;
        Ok(values)
    }

    /// Hour by hour: the first may have begun a little before.
    fn registered_within(&self, app: AppNumber, days: u16) -> Result<BTreeMap<u32, Chunk>, ReadError> {
        let first = Span::New.number(self.days_ago_ms(days));
        let mut present = BTreeMap::new();
        self.add_present(app, Span::New, first..Span::New.number(self.now_ms()).saturating_add(1), &mut present)?;
        Ok(present)
    }

    /// Hour by hour up to a midnight, where the first hour may have begun a little before; then whole days.
    fn seen_within(&self, app: AppNumber, days: u16) -> Result<BTreeMap<u32, Chunk>, ReadError> {
        let begin_ms = self.days_ago_ms(days);
        let mut present = BTreeMap::new();
        // Who was there on the first of the days that are known was there on a part of it only.
        let known = oldest(self, app, Span::Day)?.map_or(u32::MAX, |oldest| oldest.saturating_add(1));
        let first_day = Span::Day.number(begin_ms).saturating_add(1).max(known);
        let behind = Span::Day.number(self.now_ms()).saturating_add(1);
        self.add_present(app, Span::Day, first_day..behind.max(first_day), &mut present)?;
        let first_hour = Span::Online.number(begin_ms);
        let midnight = Span::Online.number(u64::from(first_day.min(behind)).saturating_mul(DAY_MS));
        self.add_present(app, Span::Online, first_hour..midnight.max(first_hour), &mut present)?;
        Ok(present)
    }

    fn days_ago_ms(&self, days: u16) -> TimeMs {
        self.now_ms().saturating_sub(TimeMs::from(days) * DAY_MS)
    }

    fn add_present(
        &self,
        app: AppNumber,
        span: Span,
        numbers: std::ops::Range<u32>,
        present: &mut BTreeMap<u32, Chunk>,
    ) -> Result<(), ReadError> {
        let (from, to) = (presence_span_key(app, span, numbers.start), presence_span_key(app, span, numbers.end));
        self.scan(Table::Presence, from.as_bytes(), Some(to.as_bytes()), &mut |key, value| {
            if let Some((_, chunk)) = platform_and_chunk(key) {
                let row: PresenceChunk = crate::row::decode(key, value)?;
                present.entry(chunk).or_insert(Chunk::EMPTY).union(&row.chunk());
            }
            Ok(NEXT)
        })
    }

    /// Takes those away that do not pass.
    pub(super) fn pass(&self, app: AppNumber, test: &Test, number: u32, chunk: &mut Chunk) -> Result<(), ReadError> {
        let among = |named: &BTreeMap<u32, Chunk>| named.get(&number).cloned().unwrap_or(Chunk::EMPTY);
        match test {
            Test::Platforms(platforms) => {
                let mut any = Chunk::EMPTY;
                for platform in platforms {
                    let row: Option<PlatformChunk> = self.row(&platform_chunk_key(app, *platform, number))?;
                    any.union(&row.map_or(Chunk::EMPTY, ChunkRow::chunk));
                }
                chunk.intersect(&any);
            }
            Test::Values(kind, values) => {
                let mut any = Chunk::EMPTY;
                for value in values {
                    let row: Option<TraitChunk> = self.row(&trait_chunk_key(app, *kind, value, number))?;
                    any.union(&row.map_or(Chunk::EMPTY, ChunkRow::chunk));
                }
                chunk.intersect(&any);
            }
            Test::Tags(tags) => chunk.intersect(&self.chunk_of_tags(app, tags, number)?),
            Test::NoTags(tags) => chunk.subtract(&self.chunk_of_tags(app, tags, number)?),
            Test::Among(named) => chunk.intersect(&among(named)),
            Test::NotAmong(named) => chunk.subtract(&among(named)),
            Test::Nobody => *chunk = Chunk::EMPTY,
        }
        Ok(())
    }
}
