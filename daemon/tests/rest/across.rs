//! Calls across the apps of one app group: relations with users of other apps, and groups and rooms that they are in.

use serde_json::{Value, json};

use crate::world::{App, World};

/// Two apps in one app group, and one outside; users of the same names in all of them.
pub struct Neighbours {
    pub world: World,
    pub here: App,
    pub there: App,
    pub stranger: App,
}

impl Neighbours {
    pub async fn new() -> Self {
        Self::in_world(World::new().await).await
    }

    pub async fn in_world(world: World) -> Self {
        let (here, there) = (world.app("here").await, world.app("there").await);
        let stranger = world.app("stranger").await;
        for app in [&here, &there, &stranger] {
            world.users(app, &["alice", "bob", "carol"]).await;
        }
        let profile = json!({"nickname": "Bob of there"});
        world.call(&there, "PUT", "/v1/users/bob", Some(profile)).await.expect(204);
        world.app_group("neighbours", &[&here, &there]).await;
        Self { world, here, there, stranger }
    }

    async fn call(&self, method: &str, path: &str, body: Value) -> crate::world::Answered {
        self.world.call(&self.here, method, path, (!body.is_null()).then_some(body)).await
    }

    async fn get(&self, app: &App, path: &str) -> Value {
        self.world.call(app, "GET", path, None).await.expect(200)
    }

    pub async fn group(&self) -> u64 {
        let group = json!({"owner_username": "alice", "name": "walkers"});
        let made = self.call("POST", "/v1/groups", group).await.expect(201);
        made["gid"].as_u64().expect("a number")
    }

    /// What every call across apps answers to a wrong app key, and to a wrong name there.
    async fn refuses_strangers(&self, method: &str, path: &str, body: impl Fn(&str, &str) -> Value) {
        for (key, name, status, code) in [
            ("ffffffffffffffffffffffff", "bob", 400, 899_009),
            (self.stranger.key.as_str(), "bob", 403, 899_020),
            (self.stranger.key.as_str(), "ghost", 403, 899_020),
            (self.there.key.as_str(), "ghost", 403, 899_002),
            (self.there.key.as_str(), "b b", 400, 899_003),
            ("", "bob", 400, 899_003),
        ] {
            self.call(method, path, body(key, name)).await.refused(status, code);
        }
        for wrong in [json!([]), json!("bob"), json!(["bob"]), json!([{}])] {
            self.call(method, path, wrong).await.refused(400, 899_003);
        }
    }

    async fn refuses_an_unknown_user(&self, method: &str, path: &str, body: Value) {
        let path = path.replace("alice", "ghost");
        self.call(method, &path, body).await.refused(403, 899_002);
    }
}

#[tokio::test]
async fn whoever_is_in_the_blacklist_across_apps_is_refused() {
    let two = Neighbours::new().await;
    two.world.covers(&["PUT /v1/cross/users/{username}/blacklist", "GET /v1/cross/users/{username}/blacklist"]);
    two.world.covers(&["DELETE /v1/cross/users/{username}/blacklist"]);
    let path = "/v1/cross/users/alice/blacklist";
    let bob = json!([{"appkey": two.there.key, "usernames": ["bob"]}]);
    assert_eq!(two.call("PUT", path, bob.clone()).await.text, "");
    let own = json!({"appkey": two.here.key, "usernames": ["bob", "carol"]});
    two.call("PUT", path, own).await.expect(204);

    let listed = two.get(&two.here, path).await;
    let shown: Vec<_> =
        listed.as_array().expect("a list").iter().map(|row| (&row["username"], &row["appkey"])).collect();
    let (here, there) = (json!(two.here.key), json!(two.there.key));
    let (bob_name, carol) = (json!("bob"), json!("carol"));
    assert_eq!(shown.len(), 3);
    assert!(shown.contains(&(&bob_name, &there)) && shown.contains(&(&bob_name, &here)));
    assert!(shown.contains(&(&carol, &here)));
    let guest = listed.as_array().expect("a list").iter().find(|row| row["appkey"] == there).expect("listed");
    assert_eq!(guest["nickname"], "Bob of there");
    let plain = two.get(&two.here, "/v1/users/alice/blacklist").await;
    assert_eq!(plain.as_array().map(Vec::len), Some(2), "the plain list has the app's own: {plain}");

    let message = json!({
        "version": 1, "target_type": "single", "target_id": "alice", "target_appkey": two.here.key,
        "from_type": "user", "from_id": "bob", "msg_type": "text", "msg_body": {"text": "x"},
    });
    two.world.call(&two.there, "POST", "/v1/messages", Some(message.clone())).await.refused(403, 803_008);
    two.call("PUT", path, bob.clone()).await.refused(403, 899_017);
    two.call("DELETE", path, bob.clone()).await.expect(204);
    two.call("DELETE", path, bob.clone()).await.refused(403, 899_019);
    two.world.call(&two.there, "POST", "/v1/messages", Some(message)).await.expect(201);

    let boss = json!({"username": "boss", "password": "secret"});
    two.world.call(&two.there, "POST", "/v1/admins", Some(boss)).await.expect(201);
    let boss = json!([{"appkey": two.there.key, "usernames": ["boss"]}]);
    two.call("PUT", path, boss).await.refused(403, 899_018);
    for method in ["PUT", "DELETE"] {
        let body = |key: &str, name: &str| json!([{"appkey": key, "usernames": [name]}]);
        two.refuses_strangers(method, path, body).await;
        two.refuses_an_unknown_user(method, path, bob.clone()).await;
        two.call(method, path, json!([{"appkey": two.there.key, "usernames": []}])).await.refused(400, 899_003);
        let many = vec!["bob"; 501];
        two.call(method, path, json!([{"appkey": two.there.key, "usernames": many}])).await.refused(400, 899_003);
    }
    two.world.call(&two.here, "GET", "/v1/cross/users/ghost/blacklist", None).await.refused(403, 899_002);
}

#[tokio::test]
async fn users_and_groups_of_other_apps_are_muted_and_each_mistake_has_its_code() {
    let two = Neighbours::new().await;
    two.world.covers(&["POST /v1/cross/users/{username}/nodisturb"]);
    let path = "/v1/cross/users/bob/nodisturb";
    let gid = two.group().await;
    let call = async |body: Value| two.world.call(&two.there, "POST", path, Some(body)).await;
    let here = two.here.key.as_str();
    let join = json!([{"appkey": two.there.key, "add": ["bob"]}]);
    two.call("POST", &format!("/v1/cross/groups/{gid}/members"), join).await.expect(204);

    let first = json!([{"appkey": here, "single": {"add": ["alice"], "remove": null}, "group": {"add": [gid]}}]);
    assert_eq!(call(first).await.text, "");
    call(json!([{"appkey": here, "single": null, "group": null}])).await.expect(204);
    let muted = async |user: &str| {
        let (app, user) = (two.there.number, user.to_owned());
        let found = two.world.daemon.context().ledger.read(move |snapshot| {
            let (number, _) = snapshot.user_by_name(app, &user)?.expect("registered");
            snapshot.mutes(app, number)
        });
        found.await.expect("readable")
    };
    let mutes = muted("bob").await;
    assert_eq!((mutes.users[0].username.clone(), mutes.groups[0].0), (format!("alice/{here}"), gid as u32));
    for (body, status, code) in [
        (json!([{"appkey": here, "single": {"add": ["alice"]}}]), 403, 899_043),
        (json!([{"appkey": here, "single": {"remove": ["carol"]}}]), 403, 899_044),
        (json!([{"appkey": here, "group": {"add": [7]}}]), 403, 899_045),
        (json!([{"appkey": two.there.key, "group": {"add": [gid]}}]), 403, 899_045),
        (json!([{"appkey": here, "group": {"add": [gid]}}]), 403, 899_047),
        (json!([{"appkey": here, "single": ["alice"]}]), 400, 899_003),
        (json!([{"appkey": here, "group": {"add": ["x"]}}]), 400, 899_003),
        (json!([{"single": {"add": ["alice"]}}]), 400, 899_003),
        (json!([{"appkey": "ffffffffffffffffffffffff", "single": {"add": ["alice"]}}]), 400, 899_009),
        (json!([{"appkey": two.stranger.key, "single": {"add": ["alice"]}}]), 403, 899_020),
        (json!([{"appkey": two.stranger.key, "group": {"add": [gid]}}]), 403, 899_020),
        (json!([{"appkey": here, "single": {"add": ["ghost"]}}]), 403, 899_002),
    ] {
        call(body).await.refused(status, code);
    }
    // A group of another app is none of the app's own.
    let plain = json!({"group": {"remove": [gid]}});
    two.world.call(&two.there, "POST", "/v1/users/bob/nodisturb", Some(plain)).await.refused(403, 899_045);
    let shield = json!({"add": [gid]});
    two.world.call(&two.there, "POST", "/v1/users/bob/groupsShield", Some(shield)).await.refused(403, 899_051);
    let not_in = json!([{"appkey": here, "group": {"add": [gid]}}]);
    let of_carol = "/v1/cross/users/carol/nodisturb";
    two.world.call(&two.there, "POST", of_carol, Some(not_in)).await.refused(403, 899_046);
    let of_ghost = "/v1/cross/users/ghost/nodisturb";
    two.world.call(&two.there, "POST", of_ghost, Some(json!([{"appkey": here}]))).await.refused(403, 899_002);

    let last = json!([{"appkey": here, "single": {"remove": ["alice"]}, "group": {"remove": [gid]}}]);
    call(last).await.expect(204);
    call(json!([{"appkey": here, "group": {"remove": [gid]}}])).await.refused(403, 899_049);
    let mutes = muted("bob").await;
    assert!(mutes.users.is_empty() && mutes.groups.is_empty());
}

#[tokio::test]
async fn friends_across_apps_are_made_noted_and_parted() {
    let two = Neighbours::new().await;
    two.world.covers(&["POST /v1/cross/users/{username}/friends", "PUT /v1/cross/users/{username}/friends"]);
    two.world.covers(&["DELETE /v1/cross/users/{username}/friends"]);
    let path = "/v1/cross/users/alice/friends";
    let (here, there) = (two.here.key.as_str(), two.there.key.as_str());
    let made = two.call("POST", path, json!({"appkey": there, "users": ["bob", "carol"]})).await;
    assert_eq!((made.status.as_u16(), made.text.as_str()), (201, ""));
    let note = json!([{"appkey": there, "username": "bob", "note_name": "Bobby", "others": "next door"}]);
    two.call("PUT", path, note).await.expect(204);
    let friends = two.get(&two.here, "/v1/users/alice/friends").await;
    let bob = friends.as_array().expect("a list").iter().find(|row| row["username"] == "bob").expect("a friend");
    assert_eq!(
        (&bob["appkey"], &bob["note_name"], &bob["others"]),
        (&json!(there), &json!("Bobby"), &json!("next door"))
    );
    assert_eq!(bob["nickname"], "Bob of there");
    let of_bob = two.get(&two.there, "/v1/users/bob/friends").await;
    assert_eq!((&of_bob[0]["username"], &of_bob[0]["appkey"]), (&json!("alice"), &json!(here)));
    assert_eq!(of_bob[0].get("note_name"), None);

    let back = json!({"appkey": here, "users": ["alice"]});
    let of_there = "/v1/cross/users/bob/friends";
    two.world.call(&two.there, "POST", of_there, Some(back.clone())).await.refused(403, 899_070);
    two.world.call(&two.there, "DELETE", of_there, Some(back.clone())).await.expect(204);
    two.world.call(&two.there, "DELETE", of_there, Some(back)).await.refused(403, 805_003);
    let friends = two.get(&two.here, "/v1/users/alice/friends").await;
    assert_eq!(friends.as_array().map(Vec::len), Some(1), "{friends}");
    let note = json!([{"appkey": there, "username": "bob"}]);
    two.call("PUT", path, note.clone()).await.refused(403, 899_071);

    for method in ["POST", "DELETE"] {
        two.refuses_strangers(method, path, |key, name| json!({"appkey": key, "users": [name]})).await;
        two.refuses_an_unknown_user(method, path, json!({"appkey": there, "users": ["bob"]})).await;
        for wrong in [json!({"appkey": there}), json!({"appkey": there, "users": []}), json!({"users": ["bob"]})] {
            two.call(method, path, wrong).await.refused(400, 899_003);
        }
    }
    two.refuses_strangers("PUT", path, |key, name| json!([{"appkey": key, "username": name}])).await;
    two.refuses_an_unknown_user("PUT", path, note).await;
}

#[tokio::test]
async fn groups_with_members_of_other_apps_show_them_with_their_keys() {
    let two = Neighbours::new().await;
    two.world.covers(&["POST /v1/cross/groups/{gid}/members", "GET /v1/cross/groups/{gid}/members"]);
    two.world.covers(&["GET /v1/cross/users/{username}/groups"]);
    let gid = two.group().await;
    let path = format!("/v1/cross/groups/{gid}/members");
    let there = two.there.key.as_str();
    let add = json!([{"appkey": there, "add": ["bob"]}, {"appkey": two.here.key, "add": ["bob"], "remove": null}]);
    assert_eq!(two.call("POST", &path, add.clone()).await.text, "");
    let members = two.get(&two.here, &path).await;
    let shown = |row: &Value| (row["username"].clone(), row["appkey"].clone(), row["flag"].clone());
    let (bob, here) = (json!("bob"), json!(two.here.key));
    let all: Vec<_> = members.as_array().expect("a list").iter().map(shown).collect();
    let expected = [
        (json!("alice"), here.clone(), json!(1)),
        (bob.clone(), json!(there), json!(0)),
        (bob, here.clone(), json!(0)),
    ];
    assert_eq!(all, expected);
    let plain = two.get(&two.here, &format!("/v1/groups/{gid}/members")).await;
    assert_eq!(plain.as_array().map(Vec::len), Some(2), "the app's own: {plain}");

    let groups = two.get(&two.there, "/v1/cross/users/bob/groups").await;
    assert_eq!(
        (&groups[0]["gid"], &groups[0]["appkey"], &groups[0]["owner_username"]),
        (&json!(gid), &here, &json!("alice"))
    );
    assert_eq!((&groups[0]["max_member_count"], &groups[0]["MaxMemberCount"]), (&json!(500), &json!(500)));
    assert_eq!(two.get(&two.there, "/v1/users/bob/groups").await, json!([]), "none is of the app");
    two.world.call(&two.there, "GET", &format!("/v1/groups/{gid}"), None).await.refused(403, 899_006);
    two.world.call(&two.there, "GET", &path, None).await.refused(403, 899_006);
    two.world.call(&two.there, "DELETE", &format!("/v1/groups/{gid}"), None).await.refused(403, 899_006);
    let take_over = json!([{"appkey": two.here.key, "remove": ["alice"]}]);
    two.world.call(&two.there, "POST", &path, Some(take_over)).await.refused(403, 899_006);

    two.call("POST", &path, add).await.refused(400, 899_011);
    let remove = json!({"appkey": there, "remove": ["bob"]});
    let absent = json!([{"appkey": there, "add": ["carol"], "remove": ["alice"]}]);
    two.call("POST", &path, absent).await.refused(403, 899_014);
    let members = two.get(&two.here, &path).await;
    assert_eq!(members.as_array().map(Vec::len), Some(4), "the addition stays: {members}");
    two.call("POST", &path, remove).await.expect(204);
    assert_eq!(two.get(&two.there, "/v1/cross/users/bob/groups").await, json!([]));
    two.refuses_strangers("POST", &path, |key, name| json!([{"appkey": key, "add": [name]}])).await;
    two.refuses_strangers("POST", &path, |key, name| json!([{"appkey": key, "remove": [name]}])).await;
    two.call("POST", &path, json!([{"appkey": there}])).await.refused(400, 899_003);
    two.call("POST", &path, json!([{"appkey": there, "add": [], "remove": []}])).await.refused(400, 899_003);
    let unknown = json!([{"appkey": there, "add": ["bob"]}]);
    two.call("POST", "/v1/cross/groups/7/members", unknown.clone()).await.refused(403, 899_006);
    two.call("POST", "/v1/cross/groups/x/members", unknown).await.refused(400, 899_003);
    two.world.call(&two.here, "GET", "/v1/cross/groups/7/members", None).await.refused(403, 899_006);
    two.world.call(&two.here, "GET", "/v1/cross/users/ghost/groups", None).await.refused(403, 899_002);
}

#[tokio::test]
async fn a_full_group_takes_nobody_of_another_app() {
    let world = World::with(|config| config.limits.group_members = 3).await;
    let two = Neighbours::in_world(world).await;
    let gid = two.group().await;
    let path = format!("/v1/cross/groups/{gid}/members");
    let three = json!([{"appkey": two.there.key, "add": ["alice", "bob", "carol"]}]);
    two.call("POST", &path, three).await.refused(403, 899_012);
    let two_more = json!([{"appkey": two.there.key, "add": ["alice", "bob"]}]);
    two.call("POST", &path, two_more).await.expect(204);
}

#[tokio::test]
async fn a_group_passes_to_a_member_of_another_app_if_the_server_says_so() {
    let two = Neighbours::new().await;
    let gid = two.group().await;
    let add = json!([{"appkey": two.there.key, "add": ["bob"]}]);
    two.call("POST", &format!("/v1/cross/groups/{gid}/members"), add).await.expect(204);
    let owner = format!("/v1/groups/owner/{gid}");
    two.call("PUT", &owner, json!({"username": "carol", "appkey": two.there.key})).await.refused(403, 765_001);
    two.call("PUT", &owner, json!({"username": "bob", "appKey": two.there.key})).await.expect(204);
    let members = two.get(&two.here, &format!("/v1/cross/groups/{gid}/members")).await;
    let owner = members.as_array().expect("a list").iter().find(|row| row["flag"] == 1).expect("one owns it");
    assert_eq!((&owner["username"], &owner["appkey"]), (&json!("bob"), &json!(two.there.key)));
}

#[tokio::test]
async fn rooms_let_users_of_other_apps_in_and_out() {
    let two = Neighbours::new().await;
    two.world.covers(&["POST /v1/cross/chatroom/{room_id}/members", "POST /cross/chatroom/{room_id}/members"]);
    let room = json!({"owner_username": "alice", "name": "launch"});
    let room = two.call("POST", "/v1/chatroom", room).await.expect(201)["chatroom_id"].as_u64().expect("a number");
    let there = two.there.key.as_str();
    let path = format!("/v1/cross/chatroom/{room}/members");
    assert_eq!(two.call("POST", &path, json!([{"appkey": there, "add": ["bob"]}])).await.text, "");
    let inside = async || {
        let page = two.get(&two.here, &format!("/v1/chatroom/{room}/members")).await;
        let rows = page["users"].as_array().expect("a list").clone();
        rows.iter().map(|row| (row["username"].clone(), row["appkey"].clone())).collect::<Vec<_>>()
    };
    assert_eq!(inside().await, [(json!("alice"), Value::Null), (json!("bob"), json!(there))]);

    let say = |name: &str| {
        json!({
            "version": 1, "target_type": "chatroom", "target_id": room, "target_appkey": two.here.key,
            "from_type": "user", "from_id": name, "msg_type": "text", "msg_body": {"text": "from next door"},
        })
    };
    two.world.call(&two.there, "POST", "/v1/messages", Some(say("bob"))).await.expect(201);
    two.world.call(&two.there, "POST", "/v1/messages", Some(say("carol"))).await.refused(403, 847_001);
    let told = two.get(&two.here, "/v1/messages?start=0&count=9").await;
    let said = &told["messages"][0];
    assert_eq!((&said["from_id"], &said["from_appkey"], &said["msg_level"]), (&json!("bob"), &json!(there), &json!(1)));

    two.call("POST", &path, json!([{"appkey": there, "add": ["bob"]}])).await.refused(403, 851_003);
    let published = format!("/cross/chatroom/{room}/members");
    let swap = json!({"appkey": there, "add": ["carol"], "remove": ["bob"]});
    two.call("POST", &published, swap).await.expect(204);
    assert_eq!(inside().await[1], (json!("carol"), json!(there)));
    two.call("POST", &path, json!([{"appkey": there, "remove": ["bob"]}])).await.refused(403, 899_082);
    let owner = json!([{"appkey": two.here.key, "remove": ["alice"]}]);
    two.call("POST", &path, owner).await.refused(403, 852_004);
    for path in [&path, &published] {
        two.refuses_strangers("POST", path, |key, name| json!([{"appkey": key, "add": [name]}])).await;
        two.refuses_strangers("POST", path, |key, name| json!([{"appkey": key, "remove": [name]}])).await;
        two.call("POST", path, json!([{"appkey": there}])).await.refused(400, 899_003);
    }
    let bob = json!([{"appkey": there, "add": ["bob"]}]);
    two.call("POST", "/v1/cross/chatroom/7/members", bob.clone()).await.refused(403, 899_081);
    two.world.call(&two.there, "POST", &path, Some(bob)).await.refused(403, 899_081);
}
