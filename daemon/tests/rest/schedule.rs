//! Scheduled pushes by REST: made, read, changed, deleted, and what their devices get.

use anser_protocol::content::Platform;
use anser_protocol::ids::{Position, TimeMs};
use anser_storage::command::{Command, NewSchedule, ScheduleCommand, ScheduleContent};
use anser_storage::ids::DeviceNumber;
use anserd::clock::{Written, now_ms};
use anserd::config::TimeZone;
use anserd::schedule::job;
use serde_json::{Value, json};

use crate::world::{App, World, basic};

const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;
const DAY_MS: u64 = 24 * HOUR_MS;

#[tokio::test]
async fn a_new_task_is_answered_with_id_and_name_and_can_be_read_as_it_was_sent() {
    let (world, app, _) = with_device().await;
    world.covers(&[
        "POST /v3/schedules",
        "POST /v3/push/schedules",
        "GET /v3/schedules/{schedule_id}",
        "GET /v3/push/schedules/{schedule_id}",
    ]);
    for path in ["/v3/schedules", "/v3/push/schedules", "/v3//schedules/"] {
        let mut task = daily();
        task["trigger"]["periodical"]["time_unit"] = json!("Week");
        task["trigger"]["periodical"]["point"] = json!(["mon", "Sun"]);
        task["trigger"]["periodical"]["frequency"] = json!("1");
        task["push"]["cid"] = json!("is ignored in here");

        let answer = world.call(&app, "POST", path, Some(task.clone())).await.expect(200);

        assert_eq!(answer.as_object().map(serde_json::Map::len), Some(2));
        assert_eq!(answer["name"], task["name"]);
        let id = answer["schedule_id"].as_str().expect("a text").to_owned();
        task["schedule_id"] = json!(id);
        for path in [format!("/v3/schedules/{id}"), format!("/v3/push/schedules/{}", id.to_ascii_uppercase())] {
            assert_eq!(world.call(&app, "GET", &path, None).await.expect(200), task);
        }
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_new_task_is_8100_and_says_so() {
    let (world, app, _) = with_device().await;
    for (pointer, wrong) in [
        ("/name", json!(null)),
        ("/name", json!("")),
        ("/name", json!("x".repeat(256))),
        ("/enabled", json!(null)),
        ("/enabled", json!(false)),
        ("/enabled", json!("maybe")),
        ("/trigger", json!(null)),
        ("/trigger", json!({})),
        ("/trigger", json!({"single": {"time": at(now_ms() - MINUTE_MS)}})),
        ("/trigger", json!({"single": {"time": at(now_ms() + 367 * DAY_MS)}})),
        ("/trigger", json!({"single": {"time": "tomorrow"}})),
        ("/trigger/periodical/end", json!(at(now_ms() - HOUR_MS))),
        ("/trigger/periodical/end", json!(at(now_ms() + 370 * DAY_MS))),
        ("/trigger/periodical/time_unit", json!("year")),
        ("/trigger/periodical/point", json!(["MON"])),
        ("/trigger/periodical/frequency", json!(101)),
        ("/push", json!(null)),
        ("/push", json!({})),
        ("/push", json!([])),
        ("/push/audience", json!({"tag": "not a list"})),
        ("/push/typo", json!(1)),
    ] {
        let mut task = daily();
        let (parent, key) = pointer.rsplit_once('/').expect("a path");
        task.pointer_mut(parent).expect("it is there")[key] = wrong.clone();
        let answer = world.call(&app, "POST", "/v3/schedules", Some(task)).await;
        assert!(answer.text.contains("The schedule-task is invalid："), "{pointer} {wrong}: {}", answer.text);
        answer.refused(400, 8100);
    }
    let credentials = basic(&app.key, &app.secret);
    for body in ["", "{", "[]", "7", &" ".repeat((256 << 10) + 1)] {
        world.call_as(Some(&credentials), "POST", "/v3/schedules", body.to_owned()).await.refused(400, 8100);
    }
    assert_eq!(list(&world, &app, "").await["total_count"], 0);
}

#[tokio::test]
async fn a_period_without_a_firing_ahead_is_8100() {
    let (world, app, _) = with_device().await;
    let mut task = daily();
    task["trigger"]["periodical"]["time_unit"] = json!("month");
    task["trigger"]["periodical"]["start"] = json!("2024-02-01 00:00:00");
    task["trigger"]["periodical"]["end"] = json!("2024-02-29 23:59:59");
    task["trigger"]["periodical"]["point"] = json!(["30", "31"]);
    world.call(&app, "POST", "/v3/schedules", Some(task)).await.refused(400, 8100);
}

#[tokio::test]
async fn whom_the_push_reaches_does_not_matter_until_it_is_sent() {
    let (world, app, _) = with_device().await;
    let mut task = single(now_ms() + HOUR_MS);
    task["push"]["audience"] = json!({"tag": ["nobody"]});
    let id = create(&world, &app, task).await;

    fire(&world, now_ms() + HOUR_MS).await;

    let firings = firings(&world, &app, &id).await;
    assert_eq!(firings[0]["error"]["code"], 1011);
    assert!(firings[0]["msg_id"].as_str().is_some_and(|id| id.parse::<u64>().is_ok_and(|id| id > 0)));
}

#[tokio::test]
async fn a_single_task_is_sent_at_its_time_once_and_is_then_over() {
    let (world, app, device) = with_device().await;
    world.covers(&["GET /v3/schedules/{schedule_id}/msg_ids", "GET /v3/push/schedules/{schedule_id}/msg_ids"]);
    let due = now_ms() / 1000 * 1000 + HOUR_MS;
    let id = create(&world, &app, single(due)).await;
    assert_eq!(msg_ids(&world, &app, &id).await, json!({"count": 0, "msgids": []}));

    fire(&world, due - 1).await;
    assert_eq!(waiting(&world, &app, device).await.len(), 0, "not before its time");
    fire(&world, due).await;
    fire(&world, due + 1).await;

    let pushes = waiting(&world, &app, device).await;
    assert_eq!(pushes.len(), 1);
    let answer = msg_ids(&world, &app, &id).await;
    assert_eq!(answer["count"], 1);
    let firing: Value = serde_json::from_str(answer["msgids"][0].as_str().expect("a text")).expect("JSON in it");
    assert!(firing["ts"].is_u64());
    let expected =
        json!({"msg_id": pushes[0], "error": {"code": 0, "message": ""}, "needRetry": false, "ts": firing["ts"]});
    assert_eq!(firing, expected);
    assert_eq!(list(&world, &app, "").await["total_count"], 0);
    let path = format!("/v3/schedules/{id}");
    world.call(&app, "GET", &path, None).await.expect(200);
    world.call(&app, "PUT", &path, Some(json!({"name": "late"}))).await.refused(400, 8100);
}

#[tokio::test]
async fn a_daemon_that_starts_again_before_during_and_after_the_due_time_sends_once() {
    let (world, app, device) = with_device().await;
    let due = now_ms() / 1000 * 1000 + HOUR_MS;
    let id = create(&world, &app, single(due)).await;
    let daily = create(&world, &app, daily()).await;
    let world = world.restarted().await;
    fire(&world, due - 1).await;
    let world = world.restarted().await;
    assert_eq!(waiting(&world, &app, device).await.len(), 0);
    fire(&world, due + MINUTE_MS).await;
    let world = world.restarted().await;
    fire(&world, due + 2 * MINUTE_MS).await;
    assert_eq!(firings(&world, &app, &id).await.len(), 1);
    for at_ms in [first_of_daily(), first_of_daily() + MINUTE_MS, first_of_daily() + DAY_MS] {
        fire(&world, at_ms).await;
    }
    let world = world.restarted().await;
    fire(&world, first_of_daily() + DAY_MS + MINUTE_MS).await;
    assert_eq!(firings(&world, &app, &daily).await.len(), 2);
    assert_eq!(waiting(&world, &app, device).await.len(), 3);
}

#[tokio::test]
async fn a_periodical_task_is_sent_at_each_of_its_times() {
    let (world, app, device) = with_device().await;
    let id = create(&world, &app, daily()).await;
    let first = first_of_daily();

    for day in 0..3 {
        fire(&world, first + day * DAY_MS).await;
    }

    assert_eq!(waiting(&world, &app, device).await.len(), 3);
    assert_eq!(firings(&world, &app, &id).await.len(), 3);
    assert_eq!(list(&world, &app, "").await["schedules"][0]["schedule_id"], json!(id));
}

#[tokio::test]
async fn what_was_missed_by_more_than_ten_minutes_is_left_out_and_recorded() {
    let (world, app, device) = with_device().await;
    let id = create(&world, &app, daily()).await;
    let late = create(&world, &app, single(first_of_daily() + 3 * DAY_MS)).await;
    let now = first_of_daily() + 3 * DAY_MS + 10 * MINUTE_MS;

    // The first three are skipped at once, and the fourth is just in time.
    fire(&world, now).await;
    fire(&world, now).await;

    let firings_of_daily = firings(&world, &app, &id).await;
    assert_eq!(firings_of_daily.len(), 2);
    assert_eq!((&firings_of_daily[0]["msg_id"], &firings_of_daily[0]["error"]["code"]), (&json!("0"), &json!(1030)));
    assert!(firings_of_daily[0]["error"]["message"].as_str().is_some_and(|text| text.starts_with("3 firings")));
    assert_eq!(firings_of_daily[1]["error"]["code"], 0);
    assert_eq!(firings(&world, &app, &late).await[0]["error"]["code"], 0);
    assert_eq!(waiting(&world, &app, device).await.len(), 2);
}

#[tokio::test]
async fn a_disabled_task_is_passed_over_until_it_is_enabled_again() {
    let (world, app, device) = with_device().await;
    let id = create(&world, &app, daily()).await;
    let path = format!("/v3/schedules/{id}");
    let answer = world.call(&app, "PUT", &path, Some(json!({"enabled": false}))).await.expect(200);
    assert_eq!(answer["enabled"], false);
    let first = first_of_daily();

    fire(&world, first).await;
    assert_eq!(waiting(&world, &app, device).await.len(), 0);
    world.call(&app, "PUT", &path, Some(json!({"name": "still off"}))).await.expect(200);
    world.call(&app, "PUT", &path, Some(json!({"enabled": true}))).await.expect(200);
    fire(&world, first + DAY_MS).await;

    assert_eq!(waiting(&world, &app, device).await.len(), 1);
    assert_eq!(firings(&world, &app, &id).await.len(), 1);
}

#[tokio::test]
async fn an_update_replaces_sections_whole_and_leaves_the_others() {
    let (world, app, device) = with_device().await;
    world.covers(&["PUT /v3/schedules/{schedule_id}", "PUT /v3/push/schedules/{schedule_id}"]);
    for layout in ["/v3/schedules", "/v3/push/schedules"] {
        let id = create(&world, &app, single(now_ms() + HOUR_MS)).await;
        let path = format!("{layout}/{id}");
        let mut expected = world.call(&app, "GET", &path, None).await.expect(200);

        for (section, value) in [
            ("name", json!("another")),
            ("push", json!({"platform": "all", "audience": "all", "message": {"msg_content": "instead"}})),
            ("trigger", json!({"single": {"time": at(now_ms() + 2 * HOUR_MS)}})),
        ] {
            expected[section] = value.clone();
            let answer = world.call(&app, "PUT", &path, Some(json!({section: value}))).await.expect(200);
            assert_eq!(answer, expected);
            assert_eq!(world.call(&app, "GET", &path, None).await.expect(200), expected);
        }
        fire(&world, now_ms() + HOUR_MS + MINUTE_MS).await;
        assert_eq!(waiting(&world, &app, device).await.len(), 0, "its time was moved");
        world.call(&app, "DELETE", &path, None).await.expect(200);
    }
}

#[tokio::test]
async fn what_an_update_may_not_do_is_8100_and_changes_nothing() {
    let (world, app, _) = with_device().await;
    let id = create(&world, &app, single(now_ms() + HOUR_MS)).await;
    let periodical = create(&world, &app, daily()).await;
    let path = format!("/v3/schedules/{id}");
    let before = world.call(&app, "GET", &path, None).await.expect(200);
    for wrong in [
        json!({"trigger": daily()["trigger"]}),
        json!({"trigger": {"single": {"time": at(now_ms() - HOUR_MS)}}}),
        json!({"trigger": {"single": {}}}),
        json!({"name": ""}),
        json!({"enabled": 7}),
        json!({"push": {"platform": "all"}}),
        json!([]),
    ] {
        world.call(&app, "PUT", &path, Some(wrong)).await.refused(400, 8100);
    }
    assert_eq!(world.call(&app, "GET", &path, None).await.expect(200), before);
    let to_single = json!({"trigger": {"single": {"time": at(now_ms() + HOUR_MS)}}});
    let path = format!("/v3/schedules/{periodical}");
    world.call(&app, "PUT", &path, Some(to_single)).await.refused(400, 8100);
}

#[tokio::test]
async fn a_deleted_task_is_gone_and_sends_nothing() {
    let (world, app, device) = with_device().await;
    world.covers(&["DELETE /v3/schedules/{schedule_id}", "DELETE /v3/push/schedules/{schedule_id}"]);
    for layout in ["/v3/schedules", "/v3/push/schedules"] {
        let id = create(&world, &app, single(now_ms() + HOUR_MS)).await;
        let path = format!("{layout}/{id}");
        assert_eq!(world.call(&app, "DELETE", &path, None).await.expect(200), json!({}));
        world.call(&app, "DELETE", &path, None).await.refused(404, 8104);
        world.call(&app, "GET", &path, None).await.refused(404, 8104);
    }
    fire(&world, now_ms() + HOUR_MS).await;
    assert_eq!(waiting(&world, &app, device).await.len(), 0);
}

#[tokio::test]
async fn an_id_that_is_none_or_names_nothing_or_another_apps_task_is_8104() {
    let (world, app, _) = with_device().await;
    let stranger = world.app("stranger").await;
    let id = create(&world, &app, daily()).await;
    for (caller, id) in
        [(&stranger, id.as_str()), (&app, "00000000-0000-8000-8000-000000000000"), (&app, "not-a-uuid"), (&app, "%ff")]
    {
        for path in [format!("/v3/schedules/{id}"), format!("/v3/push/schedules/{id}")] {
            world.call(caller, "GET", &path, None).await.refused(404, 8104);
            world.call(caller, "PUT", &path, Some(json!({"name": "x"}))).await.refused(404, 8104);
            world.call(caller, "DELETE", &path, None).await.refused(404, 8104);
            world.call(caller, "GET", &format!("{path}/msg_ids"), None).await.refused(404, 8104);
        }
    }
    world.call(&app, "GET", &format!("/v3/schedules/{id}"), None).await.expect(200);
}

#[tokio::test]
async fn tasks_are_listed_fifty_to_a_page_in_the_order_in_which_they_were_made() {
    let world = World::with(|config| config.limits.schedules = 60).await;
    world.covers(&["GET /v3/schedules", "GET /v3/push/schedules"]);
    let app = world.app("one").await;
    let mut ids = Vec::new();
    for _ in 0..55 {
        ids.push(json!(create(&world, &app, daily()).await));
    }
    let shown = |page: &Value| -> Vec<Value> {
        page["schedules"].as_array().expect("a list").iter().map(|task| task["schedule_id"].clone()).collect()
    };

    for first in ["", "?page=", "?page", "/?page=1"] {
        let page = list(&world, &app, first).await;
        assert_eq!((&page["total_count"], &page["total_pages"], &page["page"]), (&json!(55), &json!(2), &json!(1)));
        assert_eq!(shown(&page), ids[..50]);
    }
    let second = list(&world, &app, "?page=2").await;
    assert_eq!(shown(&second), ids[50..]);
    let beijing = world.call(&app, "GET", "/v3/push/schedules?page=2", None).await.expect(200);
    assert_eq!(beijing, second);
    let beyond = list(&world, &app, "?page=18446744073709551615").await;
    assert_eq!((&beyond["page"], shown(&beyond).len()), (&json!(u64::MAX), 0));
    for wrong in ["?page=0", "?page=-1", "?page=x"] {
        world.call(&app, "GET", &format!("/v3/schedules{wrong}"), None).await.refused(400, 8100);
    }
    assert_eq!(list(&world, &world.app("two").await, "").await["total_count"], 0);
}

#[tokio::test]
async fn an_app_may_have_so_many_unfinished_tasks_and_no_more() {
    let world = World::with(|config| config.limits.schedules = 2).await;
    let app = world.app("one").await;
    let first = create(&world, &app, daily()).await;
    create(&world, &app, daily()).await;
    world.call(&app, "POST", "/v3/schedules", Some(daily())).await.refused(400, 8100);
    create(&world, &world.app("two").await, daily()).await;
    world.call(&app, "DELETE", &format!("/v3/schedules/{first}"), None).await.expect(200);
    create(&world, &app, daily()).await;
}

#[tokio::test]
async fn a_repeated_cid_gives_the_first_answer_and_makes_nothing_more() {
    let (world, app, _) = with_device().await;
    let cids = world.call(&app, "GET", "/v3/push/cid?type=schedule&count=2", None).await.expect(200);
    let (cid, other) = (&cids["cidlist"][0], &cids["cidlist"][1]);
    let with = |cid: &Value, name: &str| {
        let mut task = daily();
        (task["cid"], task["name"]) = (cid.clone(), json!(name));
        task
    };

    let first = world.call(&app, "POST", "/v3/schedules", Some(with(cid, "first"))).await.expect(200);
    let again = world.call(&app, "POST", "/v3/push/schedules", Some(with(cid, "again"))).await.expect(200);
    let another = world.call(&app, "POST", "/v3/schedules", Some(with(other, "other"))).await.expect(200);

    assert_eq!(again, first);
    assert_ne!(another["schedule_id"], first["schedule_id"]);
    assert_eq!(list(&world, &app, "").await["total_count"], 2);
    let of_push = world.call(&app, "GET", "/v3/push/cid", None).await.expect(200)["cidlist"][0].clone();
    for wrong in [of_push, json!("invented"), json!({})] {
        world.call(&app, "POST", "/v3/schedules", Some(with(&wrong, "x"))).await.refused(400, 8100);
    }
    // Typed clients that have none send an empty text.
    for name in ["one", "two"] {
        world.call(&app, "POST", "/v3/schedules", Some(with(&json!(""), name))).await.expect(200);
    }
    assert_eq!(list(&world, &app, "").await["total_count"], 4);
}

#[tokio::test]
async fn wrong_methods_and_paths_answer_in_the_words_of_the_family() {
    let (world, app, _) = with_device().await;
    world.call(&app, "PATCH", "/v3/schedules", None).await.refused(405, 8100);
    world.call(&app, "POST", "/v3/push/schedules/x", None).await.refused(405, 8100);
    world.call(&app, "GET", "/v3/schedules/x/y", None).await.refused(404, 8104);
}

#[tokio::test]
async fn the_servers_zone_decides_when_a_task_is_due() {
    let zone = TimeZone::fixed(-210);
    let world = World::with(|config| config.time_zone = zone).await;
    let app = world.app("one").await;
    let device = world.device(&app, "rid-1", Platform::ANDROID).await;
    let due = now_ms() / 1000 * 1000 + HOUR_MS;
    let mut task = single(due);
    task["trigger"]["single"]["time"] = json!(Written(due, zone).to_string());
    create(&world, &app, task).await;

    fire(&world, due - 1).await;
    assert_eq!(waiting(&world, &app, device).await.len(), 0);
    fire(&world, due).await;
    assert_eq!(waiting(&world, &app, device).await.len(), 1);
}

#[tokio::test]
async fn ten_thousand_tasks_that_are_due_at_once_are_each_sent_once_whatever_the_clock_does() {
    let world = World::with(|config| config.limits.schedules = 2000).await;
    let due = now_ms() / 1000 * 1000 + HOUR_MS;
    let mut apps = Vec::new();
    for number in 0..5 {
        let app = world.app(&format!("app{number}")).await;
        let device = world.device(&app, "rid-1", Platform::ANDROID).await;
        fill(&world, &app, due).await;
        apps.push((app, device));
    }

    let before = job::round(world.daemon.context(), due - 1).await.expect("the store is there");
    assert_eq!((before.fired, before.next_ms), (0, Some(due)));
    let forward = job::round(world.daemon.context(), due + 5 * MINUTE_MS).await.expect("the store is there");
    let back = job::round(world.daemon.context(), due - DAY_MS).await.expect("the store is there");
    let again = job::round(world.daemon.context(), due).await.expect("the store is there");

    assert_eq!((forward.fired, forward.failed, forward.next_ms), (10_000, 0, None));
    assert_eq!((back.fired, again.fired), (0, 0));
    for (app, device) in &apps {
        assert_eq!(pending(&world, app, *device, 5000).await.len(), 2000);
        assert_eq!(list(&world, app, "").await["total_count"], 0);
    }
}

/// Two thousand tasks, straight into the store.
async fn fill(world: &World, app: &App, due_ms: TimeMs) {
    let task = single(due_ms);
    let content = ScheduleContent {
        name: "task".to_owned(),
        is_enabled: true,
        trigger: task["trigger"].to_string(),
        push: task["push"].to_string(),
    };
    let ledger = &world.daemon.context().ledger;
    let new = NewSchedule {
        app: app.number,
        content,
        due_ms,
        random: [0; 8],
        open_max: 2000,
        cid: None,
        only_repeats: false,
    };
    let (done, mut all_done) = tokio::sync::mpsc::unbounded_channel();
    for _ in 0..2000 {
        let command = Command::Schedule(ScheduleCommand::Create(Box::new(new.clone())));
        let done = done.clone();
        ledger.submit_then(command, move |outcome| drop(done.send(outcome))).expect("there is room");
    }
    for _ in 0..2000 {
        all_done.recv().await.expect("an answer").expect("the store is there").answer.expect("accepted");
    }
}

async fn with_device() -> (World, App, DeviceNumber) {
    let world = World::new().await;
    let app = world.app("one").await;
    let device = world.device(&app, "rid-1", Platform::ANDROID).await;
    (world, app, device)
}

/// As the default zone's clock shows it.
pub fn at(at_ms: TimeMs) -> String {
    Written(at_ms, TimeZone::DEFAULT).to_string()
}

fn task(trigger: Value) -> Value {
    let push = json!({
        "platform": "all", "audience": "all", "notification": {"alert": "hello"}, "options": {"time_to_live": 864_000},
    });
    json!({"name": "早安_1", "enabled": true, "trigger": trigger, "push": push})
}

fn single(at_ms: TimeMs) -> Value {
    task(json!({"single": {"time": at(at_ms)}}))
}

/// Every day at noon for a hundred days from tomorrow on.
fn daily() -> Value {
    let start = format!("{} 00:00:00", &at(now_ms() + DAY_MS)[..10]);
    let end = at(now_ms() + 100 * DAY_MS);
    task(json!({"periodical": {
        "start": start, "end": end, "time": "12:00:00", "time_unit": "DAY", "frequency": 1, "point": null,
    }}))
}

fn first_of_daily() -> TimeMs {
    let offset_ms = 8 * HOUR_MS;
    let midnight = (now_ms() + offset_ms) / DAY_MS * DAY_MS + DAY_MS - offset_ms;
    midnight + 12 * HOUR_MS
}

async fn create(world: &World, app: &App, task: Value) -> String {
    let answer = world.call(app, "POST", "/v3/schedules", Some(task)).await.expect(200);
    answer["schedule_id"].as_str().expect("a text").to_owned()
}

async fn list(world: &World, app: &App, query: &str) -> Value {
    world.call(app, "GET", &format!("/v3/schedules{query}"), None).await.expect(200)
}

async fn msg_ids(world: &World, app: &App, id: &str) -> Value {
    let answer = world.call(app, "GET", &format!("/v3/schedules/{id}/msg_ids"), None).await.expect(200);
    let beijing = world.call(app, "GET", &format!("/v3/push/schedules/{id}/msg_ids"), None).await.expect(200);
    assert_eq!(answer, beijing);
    answer
}

async fn firings(world: &World, app: &App, id: &str) -> Vec<Value> {
    let texts: Vec<String> = serde_json::from_value(msg_ids(world, app, id).await["msgids"].clone()).expect("texts");
    texts.iter().map(|text| serde_json::from_str(text).expect("JSON in it")).collect()
}

/// What the job does at such a moment.
async fn fire(world: &World, at_ms: TimeMs) {
    let round = job::round(world.daemon.context(), at_ms).await.expect("the store is there");
    assert_eq!(round.failed, 0);
}

async fn waiting(world: &World, app: &App, device: DeviceNumber) -> Vec<String> {
    pending(world, app, device, 10).await
}

async fn pending(world: &World, app: &App, device: DeviceNumber, limit: usize) -> Vec<String> {
    let app = app.number;
    let pending = world
        .daemon
        .context()
        .ledger
        .read(move |snapshot| snapshot.pending_pushes(app, device, Platform::ANDROID, Position::START, 0, limit));
    pending.await.expect("readable").iter().map(|pending| pending.push.msg_id.to_string()).collect()
}
