"""The official Python SDK for IM, 1.0.2, against a running daemon: every call that it offers.

usage: jmessage_1.py PORT APP_KEY MASTER_SECRET
The daemon's app has no user. REQUESTS_CA_BUNDLE names the daemon's certificate authority.
"""

import sys

import jmessage
from jmessage import common, url

PORT, APP_KEY, SECRET = sys.argv[1:4]
url.IM_URL = "https://localhost:%s" % PORT


def main():
    client = common.JMessage(APP_KEY, SECRET)
    users, groups, messages = client.create_users(), client.create_groups(), client.create_messages()
    users_and_admins_are_registered(users)
    a_user_is_shown_changed_and_deleted(users)
    a_blacklist_is_a_list(users)
    gid = a_group_is_made_and_its_members_change(groups)
    groups_are_listed(groups, gid)
    messages_are_sent(messages, gid)
    a_group_is_dissolved_once(groups, gid)
    wrong_secrets_are_unauthorized()


def users_and_admins_are_registered(users):
    # What the SDK can build holds keys that are the server's to set.
    first = users.build_user(
        "python_1", "secret", nickname="Nick 北京", star=5, avatar="qiniu/image/r/1", gender=2, signature="s",
        region="r", address="a", mtime="2014-07-07 17:40:00", ctime="2014-07-07 17:40:00",
    )
    answer = users.regist_user([first, users.build_user("python_2", "secret")])
    assert told(answer, 201) == [{"username": "python_1"}, {"username": "python_2"}]
    assert told(users.regist_user([first]), 403) == [
        {"username": "python_1", "error": {"code": 899001, "message": "user exist"}}
    ]
    admin = users.build_user("python_admin", "secret")
    assert users.regist_admin(admin).status_code == 201
    assert refused(users.regist_admin(admin), 403) == 899001
    listed = told(users.get_users("0", "10"), 200)
    assert (listed["total"], listed["start"], listed["count"]) == (2, 0, 2), listed
    assert [user["username"] for user in listed["users"]] == ["python_1", "python_2"], listed
    assert refused(users.get_users("0", "501"), 400) == 899003


def a_user_is_shown_changed_and_deleted(users):
    shown = told(users.get_user_by_username("python_1"), 200)
    expected = {
        "username": "python_1", "nickname": "Nick 北京", "avatar": "qiniu/image/r/1", "gender": 2, "signature": "s",
        "region": "r", "address": "a",
    }
    assert {key: shown[key] for key in expected} == expected, shown
    assert set(shown) == set(expected) | {"ctime", "mtime"}, shown
    assert shown["ctime"] > "2020", "the server says when a user was made"
    assert refused(users.get_user_by_username("nobody_here"), 403) == 899002
    nothing(users.put_user_password("python_1", "another"))
    assert refused(users.put_user_password("python_1", "x"), 400) == 899003
    users.regist_user([users.build_user("python_gone", "secret")])
    nothing(users.delete_user_by_username("python_gone"))
    assert refused(users.delete_user_by_username("python_gone"), 403) == 899002


def a_blacklist_is_a_list(users):
    # The SDK sends the bare name where the API has a list.
    assert refused(users.blacklist_user_by_username("python_1"), 400) == 899003
    assert refused(users.delete_blacklist_by_username("python_1"), 400) == 899003
    assert told(users.get_blacklist("python_1"), 200) == []


def a_group_is_made_and_its_members_change(groups):
    made = told(groups.create_group(groups.build_group("python_1", "a group", ["python_2"], "said of it")), 201)
    assert (made["owner_username"], made["name"], made["desc"]) == ("python_1", "a group", "said of it"), made
    assert (made["members_username"], made["MaxMemberCount"]) == (["python_2"], 500), made
    gid = str(made["gid"])
    # The SDK sends owner and members along; only the rest is to change.
    nothing(groups.put_group(gid, groups.build_group("python_2", "renamed", ["nobody_here"], "new")))
    shown = told(groups.get_group(gid), 200)
    assert (shown["gid"], shown["name"], shown["desc"], shown["appkey"]) == (made["gid"], "renamed", "new", APP_KEY), shown
    assert shown["owner_username"] == "python_1", shown
    nothing(groups.put_group_members(gid, ["python_admin"]))
    assert refused(groups.put_group_members(gid, ["python_2"]), 400) == 899011
    # Who is to be removed is lost in the SDK, so nobody is named.
    assert refused(groups.put_group_members(gid, [], ["python_2"]), 400) == 899003
    members = told(groups.get_group_members(gid), 200)
    assert [(member["username"], member["flag"]) for member in members] == [
        ("python_1", 1), ("python_2", 0), ("python_admin", 0),
    ], members
    assert refused(groups.get_group("123456789"), 403) == 899006
    assert refused(groups.get_group("a_name"), 400) == 899003
    return gid


def groups_are_listed(groups, gid):
    listed = told(groups.get_groups_list("0", "10"), 200)
    assert (listed["total"], listed["start"], listed["count"]) == (1, 0, 1), listed
    assert str(listed["groups"][0]["gid"]) == gid, listed
    assert [str(group["gid"]) for group in told(groups.get_groups_by_username("python_2"), 200)] == [gid]
    assert refused(groups.get_groups_by_username("nobody_here"), 403) == 899002


def messages_are_sent(messages, gid):
    ids = []
    for target_type, target in (("single", "python_2"), ("group", gid)):
        for from_type, sender in (("admin", "python_admin"), ("user", "python_1")):
            message = messages.build_message(
                1, target_type, from_type, "text", target, sender, "hello 你好", {"k": "v"}, "from name", "to name"
            )
            sent = told(messages.send_messages(message), 201)
            assert set(sent) == {"msg_id", "msg_ctime"}, sent
            ids.append(sent["msg_id"])
    assert ids == sorted(set(ids)), ids
    unsent = messages.build_message(1, "single", "admin", "text", "nobody_here", "python_admin", "x")
    assert refused(messages.send_messages(unsent), 403) == 899002
    unsent["target_id"], unsent["from_id"] = "python_2", "python_1"
    assert refused(messages.send_messages(unsent), 403) == 899016


def a_group_is_dissolved_once(groups, gid):
    nothing(groups.delete_group(gid))
    assert refused(groups.delete_group(gid), 403) == 899006


def wrong_secrets_are_unauthorized():
    for key, secret in ((APP_KEY, "0" * 24), ("0" * 24, SECRET)):
        users = common.JMessage(key, secret).create_users()
        assert refused(users.get_user_by_username("python_1"), 401) == 899008


def told(answer, status):
    assert answer.status_code == status, (answer.status_code, answer.text)
    return answer.json()


def nothing(answer):
    assert (answer.status_code, answer.content) == (204, b""), (answer.status_code, answer.text)


def refused(answer, status):
    error = told(answer, status)["error"]
    assert set(error) == {"code", "message"} and error["message"], error
    return error["code"]


assert jmessage.__version__ == "1.0.2"
main()
