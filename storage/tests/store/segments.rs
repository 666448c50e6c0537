//! What devices tell of themselves, and the segments that name them by it, beside a model that asks each device by itself.

use std::collections::BTreeSet;

use crate::common::pushes::*;
use crate::common::{T0, World};
use anser_protocol::content::Platform;
use anser_protocol::ids::TimeMs;
use anser_protocol::traits::{TraitKind, Traits};
use anser_storage::Table;
use anser_storage::command::*;
use anser_storage::ids::{AppNumber, DeviceNumber, SegmentId};
use anser_storage::outcome::{Answer, Refusal};
use anser_storage::segment::{Compare, Condition, Version};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

fn traits(told: &[(TraitKind, &str)]) -> Traits {
    told.iter().fold(Traits::default(), |traits, (kind, text)| traits.with(*kind, text).expect("a short text"))
}

impl World {
    fn tell(&mut self, device: DeviceNumber, told: &[(TraitKind, &str)]) {
        let set = DeviceCommand::SetTraits { app: self.app, device, traits: traits(told) };
        self.answer(Command::Device(set));
    }

    fn trait_counts(&self, kind: TraitKind) -> Vec<(String, u32)> {
        self.read().trait_counts(self.app, kind).expect("nothing is damaged")
    }

    fn segment_of(&mut self, app: AppNumber, conditions: Vec<Condition>) -> SegmentId {
        match self.answer(Command::Segment(SegmentCommand::Create { app, name: "segment".into(), conditions })) {
            Answer::Segment(segment) => segment,
            other => panic!("{other:?}"),
        }
    }

    /// The devices that a push to the segment reaches.
    fn in_segment(&mut self, conditions: Vec<Condition>) -> Vec<u32> {
        let segment = self.segment_of(self.app, conditions);
        self.chosen(|selection| selection.segment = vec![segment])
    }

    fn chosen(&mut self, choose: impl FnOnce(&mut Selection)) -> Vec<u32> {
        let contents = PLATFORMS.iter().map(|platform| (*platform, alert("news"))).collect();
        let outcome = self.apply(self.submit(selected(choose), |submit| submit.contents = contents));
        match &outcome.answer {
            Err(Refusal::NoTarget { .. }) => Vec::new(),
            _ => released(&outcome).concat(),
        }
    }

    fn is_whole(&self) -> bool {
        self.findings().is_empty()
    }
}

fn one_of(of: TraitKind, any: &[&str]) -> Condition {
    Condition::Trait { of, any: strings(any) }
}

#[test]
fn a_changed_trait_moves_its_device_and_the_same_again_writes_nothing() {
    let mut world = World::new();
    let (phone, tablet) = (world.device("a"), world.device("b"));
    world.tell(phone, &[(TraitKind::Model, "Pixel 8"), (TraitKind::Language, "de")]);
    world.tell(tablet, &[(TraitKind::Model, "Pixel 8")]);
    assert_eq!(world.trait_counts(TraitKind::Model), [("Pixel 8".to_owned(), 2)]);
    assert_eq!(world.in_segment(vec![one_of(TraitKind::Model, &["Pixel 8"])]), [0, 1]);

    world.tell(phone, &[(TraitKind::Model, "Pixel 9")]);

    assert_eq!(world.trait_counts(TraitKind::Model), [("Pixel 8".to_owned(), 1), ("Pixel 9".to_owned(), 1)]);
    assert_eq!(world.trait_counts(TraitKind::Language), [], "it is not told any more");
    assert_eq!(world.in_segment(vec![one_of(TraitKind::Model, &["Pixel 9"])]), [0]);
    assert_eq!(world.in_segment(vec![one_of(TraitKind::Model, &["Pixel 8"])]), [1]);
    let known = world.read().traits_of_device(world.app, phone).expect("nothing is damaged");
    assert_eq!(known, traits(&[(TraitKind::Model, "Pixel 9")]));
    let rows = world.read().row_counts().expect("memory is well");
    world.tell(phone, &[(TraitKind::Model, "Pixel 9")]);
    assert_eq!(world.read().row_counts().expect("memory is well"), rows);
    assert!(world.is_whole());
}

#[test]
fn beyond_a_thousand_values_devices_count_as_other_until_there_is_room() {
    let mut world = World::new();
    let devices: Vec<_> = (0..1002).map(|number| world.device(&format!("{number}"))).collect();
    for (number, device) in devices.iter().enumerate() {
        world.tell(*device, &[(TraitKind::Channel, &format!("store {number}"))]);
    }
    let counts = world.trait_counts(TraitKind::Channel);
    assert_eq!((counts.len(), counts[0].clone()), (1001, (String::new(), 2)));
    assert_eq!(world.in_segment(vec![one_of(TraitKind::Channel, &["store 1001", ""])]), [], "other is no value");
    assert!(world.findings().is_empty());

    world.tell(devices[0], &[]);
    world.tell(devices[1001], &[(TraitKind::Channel, "a new store")]);

    assert_eq!(world.in_segment(vec![one_of(TraitKind::Channel, &["a new store"])]), [1001]);
    assert_eq!(
        world.trait_counts(TraitKind::Channel).iter().find(|(value, _)| value.is_empty()),
        Some(&(String::new(), 1))
    );
    assert!(world.findings().is_empty());
}

#[test]
fn unknown_foreign_and_deleted_segments_refuse_the_push() {
    let mut world = World::new();
    world.device("a");
    let other = world.create_app("other");
    let android = || vec![Condition::Platform(vec![Platform::ANDROID])];
    let (foreign, own) = (world.segment_of(other, android()), world.segment_of(world.app, android()));
    let delete = |app, segment| Command::Segment(SegmentCommand::Delete { app, segment });
    let to = |world: &World, id| world.submit(selected(|it| it.segment = vec![id]), |_| {});

    assert_eq!(world.refusal(to(&world, SegmentId(7))), Refusal::SegmentUnknown);
    assert_eq!(world.refusal(to(&world, foreign)), Refusal::SegmentUnknown);
    assert_eq!(world.refusal(delete(world.app, foreign)), Refusal::SegmentUnknown);
    assert_eq!(world.chosen(|it| it.segment = vec![own]), [0]);
    let list = world.read().segments(world.app).expect("nothing is damaged");
    assert_eq!(list.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [own]);

    world.answer(delete(world.app, own));
    assert_eq!(world.refusal(to(&world, own)), Refusal::SegmentUnknown);
    assert!(world.read().segment(other, foreign).expect("nothing is damaged").is_some());
}

#[test]
fn an_app_takes_its_traits_and_segments_along() {
    let mut world = World::new();
    let device = world.device("a");
    world.tell(device, &[(TraitKind::Model, "Pixel 8")]);
    world.in_segment(vec![Condition::Platform(vec![Platform::ANDROID])]);
    while world.answer(Command::App(AppCommand::Delete { app: world.app })) == Answer::Continue {}

    let ours = [Table::DeviceTraits, Table::TraitChunks, Table::TraitValues, Table::Segments];
    let left: Vec<_> = world.read().row_counts().expect("memory is well");
    assert!(left.iter().filter(|(table, _)| ours.contains(table)).all(|(_, rows)| *rows == 0), "{left:?}");
}

const PLATFORMS: [Platform; 3] = [Platform::ANDROID, Platform::IOS, Platform::OTHER];
const TAGS: [&str; 3] = ["a", "b", "never given"];
const VERSIONS: [&str; 5] = ["1.9", "1.10", "2", "2.0.0", "beta"];
const LANGUAGES: [&str; 3] = ["de", "zh-CN", "never told"];
const COMPARES: [Compare; 5] = [Compare::Less, Compare::AtMost, Compare::Equal, Compare::AtLeast, Compare::Greater];
const DEVICES: usize = 16;

#[derive(Clone, Debug)]
struct Described {
    platform: Platform,
    tags: BTreeSet<&'static str>,
    version: Option<&'static str>,
    language: Option<&'static str>,
    /// Days ago, and it was not seen before.
    registered: u16,
    seen: Option<u16>,
}

fn described() -> impl Strategy<Value = Described> {
    let tags = subsequence(&TAGS[..2], 0..=2).prop_map(|tags| tags.into_iter().collect());
    let (version, language) = (prop::option::of(select(&VERSIONS[..])), prop::option::of(select(&LANGUAGES[..2])));
    let days = (0u16..60).prop_flat_map(|registered| (Just(registered), prop::option::of(0..=registered)));
    (select(&PLATFORMS[..]), tags, version, language, days).prop_map(
        |(platform, tags, version, language, (registered, seen))| Described {
            platform,
            tags,
            version,
            language,
            registered,
            seen,
        },
    )
}

fn condition() -> impl Strategy<Value = Condition> {
    let tags = || subsequence(&TAGS[..], 1..=2).prop_map(|tags| strings(&tags));
    let version = (select(&COMPARES[..]), select(&VERSIONS[..4]));
    prop_oneof![
        subsequence(&PLATFORMS[..], 1..=2).prop_map(Condition::Platform),
        version.prop_map(|(compare, with)| Condition::Version {
            of: TraitKind::AppVersion,
            compare,
            with: with.into()
        }),
        subsequence(&LANGUAGES[..], 1..=3).prop_map(|any| one_of(TraitKind::Language, &any)),
        tags().prop_map(Condition::AnyTag),
        tags().prop_map(Condition::AllTags),
        tags().prop_map(Condition::NoTag),
        (1u16..60).prop_map(|days| Condition::SeenWithin { days }),
        (1u16..60).prop_map(|days| Condition::NotSeenFor { days }),
        (1u16..60).prop_map(|days| Condition::RegisteredWithin { days }),
    ]
}

fn is_true(condition: &Condition, device: &Described) -> bool {
    let has = |tag: &String| device.tags.contains(tag.as_str());
    let was_seen = |days: u16| device.seen.is_some_and(|seen| seen < days);
    match condition {
        Condition::Platform(platforms) => platforms.contains(&device.platform),
        Condition::Version { compare, with, .. } => {
            let version = device.version.and_then(Version::parse);
            version.is_some_and(|version| compare.holds(version.cmp(&Version::parse(with).expect("a version"))))
        }
        Condition::Trait { any, .. } => device.language.is_some_and(|language| any.iter().any(|it| it == language)),
        Condition::AnyTag(tags) => tags.iter().any(has),
        Condition::AllTags(tags) => tags.iter().all(has),
        Condition::NoTag(tags) => !tags.iter().any(has),
        Condition::SeenWithin { days } => was_seen(*days),
        Condition::NotSeenFor { days } => !was_seen(*days),
        Condition::RegisteredWithin { days } => device.registered < *days,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn a_segment_is_every_device_of_which_all_conditions_are_true(
        mut devices in prop::collection::vec(described(), DEVICES),
        rules in prop::collection::vec(prop::collection::vec(condition(), 1..4), 6),
    ) {
        // In the order in which they come.
        devices.sort_by_key(|device| std::cmp::Reverse(device.registered));
        let mut world = World::new();
        let now_ms = T0 + 100 * DAY_MS;
        // In the middle of a day of so many days ago.
        let ago = |days: u16| now_ms - TimeMs::from(days) * DAY_MS - DAY_MS / 2;
        for (number, described) in devices.iter().enumerate() {
            world.now_ms = world.now_ms.max(ago(described.registered));
            let device = world.device_on(&format!("rid{number}"), described.platform);
            world.tag(device, &described.tags.iter().copied().collect::<Vec<_>>());
            let version = described.version.map(|version| (TraitKind::AppVersion, version));
            let language = described.language.map(|language| (TraitKind::Language, language));
            world.tell(device, &version.into_iter().chain(language).collect::<Vec<_>>());
        }
        world.now_ms = now_ms;
        for (number, described) in devices.iter().enumerate() {
            if let Some(seen) = described.seen {
                let devices = vec![DeviceNumber(number as u32)];
                world.answer(Command::Mark(MarkCommand::Present { app: world.app, seen_ms: ago(seen), devices }));
            }
        }
        for conditions in rules {
            let meant: Vec<u32> = devices.iter().enumerate()
                .filter(|(_, device)| conditions.iter().all(|condition| is_true(condition, device)))
                .map(|(number, _)| number as u32)
                .collect();
            prop_assert_eq!(world.in_segment(conditions.clone()), meant, "{:?}", conditions);
        }
        prop_assert!(world.is_whole());
    }
}
