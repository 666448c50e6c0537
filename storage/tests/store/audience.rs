//! The set algebra of audiences, beside a model that asks each device by itself.

use std::collections::BTreeSet;

use crate::common::World;
use crate::common::pushes::*;
use anser_protocol::content::Platform;
use anser_storage::command::*;
use anser_storage::outcome::Refusal;
use proptest::prelude::*;
use proptest::sample::subsequence;

const TAGS: [&str; 5] = ["a", "b", "c", "d", "never given"];
const ALIASES: [&str; 4] = ["x", "y", "z", "unbound"];
const PLATFORMS: [Platform; 3] = [Platform::ANDROID, Platform::IOS, Platform::OTHER];
const DEVICES: usize = 24;

#[derive(Clone, Debug)]
struct Described {
    platform: Platform,
    tags: BTreeSet<&'static str>,
    alias: Option<&'static str>,
}

fn described() -> impl Strategy<Value = Described> {
    let tags = subsequence(&TAGS[..4], 0..=4).prop_map(|tags| tags.into_iter().collect());
    let alias = prop::option::of(prop::sample::select(&ALIASES[..3]));
    (prop::sample::select(&PLATFORMS), tags, alias).prop_map(|(platform, tags, alias)| Described {
        platform,
        tags,
        alias,
    })
}

fn selection() -> impl Strategy<Value = Selection> {
    let tags = || prop_oneof![2 => Just(vec![]), 3 => subsequence(&TAGS[..], 1..=3)].prop_map(|tags| strings(&tags));
    let aliases = prop_oneof![2 => Just(vec![]), 1 => subsequence(&ALIASES[..], 1..=4)].prop_map(|it| strings(&it));
    // One beyond the last is unknown.
    let ids = prop_oneof![2 => Just(vec![]), 1 => prop::collection::vec(0..=DEVICES, 2..20)];
    let ids = ids.prop_map(|ids| ids.into_iter().map(|number| format!("rid{number}")).collect());
    (tags(), tags(), tags(), aliases, ids).prop_map(|(tag, tag_and, tag_not, alias, registration_id)| Selection {
        tag,
        tag_and,
        tag_not,
        alias,
        registration_id,
        segment: Vec::new(),
    })
}

fn is_meant(selection: &Selection, number: usize, device: &Described) -> bool {
    let has = |tag: &String| device.tags.contains(tag.as_str());
    let absent_or = |names: &[String], holds: bool| names.is_empty() || holds;
    let names_something = *selection != Selection::default();
    names_something
        && absent_or(&selection.tag, selection.tag.iter().any(has))
        && selection.tag_and.iter().all(has)
        && !selection.tag_not.iter().any(has)
        && absent_or(&selection.alias, selection.alias.iter().any(|alias| device.alias == Some(alias)))
        && absent_or(&selection.registration_id, selection.registration_id.contains(&format!("rid{number}")))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn an_audience_is_the_intersection_of_its_kinds(
        devices in prop::collection::vec(described(), DEVICES),
        platforms in subsequence(&PLATFORMS[..], 1..=3),
        selections in prop::collection::vec(selection(), 4),
    ) {
        let mut world = World::new();
        for (number, described) in devices.iter().enumerate() {
            let device = world.device_on(&format!("rid{number}"), described.platform);
            world.tag(device, &described.tags.iter().copied().collect::<Vec<_>>());
            // An alias takes ten devices at most.
            let alias = described.alias.map(String::from);
            let bound = world.apply(Command::Device(DeviceCommand::SetAlias { app: world.app, device, alias }));
            prop_assume!(bound.answer.is_ok());
        }
        let contents: Vec<_> = platforms.iter().map(|platform| (*platform, alert("news"))).collect();

        for selection in selections {
            let meant: Vec<u32> = devices.iter().enumerate()
                .filter(|(number, device)| platforms.contains(&device.platform) && is_meant(&selection, *number, device))
                .map(|(number, _)| number as u32)
                .collect();
            let submit = world.submit(Audience::Selected(selection), |submit| submit.contents = contents.clone());
            let outcome = world.apply(submit);

            match &outcome.answer {
                Err(Refusal::NoTarget { .. }) => prop_assert!(meant.is_empty(), "{:?}", meant),
                _ => prop_assert_eq!(released(&outcome).concat(), meant),
            }
        }
    }
}

#[test]
fn devices_of_several_chunks_are_told_apart() {
    let mut world = World::new();
    let register = |number: u32| Stamped {
        at_ms: crate::common::T0,
        command: Command::Device(DeviceCommand::Register {
            app: world.app,
            registration_id: format!("rid{number}"),
            secret_hash: [7; 32],
            platform: Platform::ANDROID,
        }),
    };
    let commands: Vec<Stamped> = (0..9000).map(register).collect();
    world.store.apply(&commands).expect("the disk is well");
    for number in [0, 4095, 4096, 8191, 8192] {
        world.tag(anser_storage::ids::DeviceNumber(number), &["edge"]);
    }

    let edge = world.apply(world.submit(selected(|it| it.tag = strings(&["edge"])), |_| {}));
    assert_eq!(released(&edge).concat(), [0, 4095, 4096, 8191, 8192]);

    let others = world.apply(world.submit(selected(|it| it.tag_not = strings(&["edge"])), |_| {}));
    assert_eq!(released(&others)[0].len(), 9000 - 5);

    let all = world.apply(world.submit(Audience::All, |_| {}));
    assert_eq!(released(&all), [(0..9000).collect::<Vec<_>>()]);
}
