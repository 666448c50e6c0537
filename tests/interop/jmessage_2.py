"""The official Python SDK for IM, 2.0.0, against a running daemon: every call that it offers.

usage: jmessage_2.py PORT APP_KEY MASTER_SECRET
The daemon's app has no user. REQUESTS_CA_BUNDLE names the daemon's certificate authority.
"""

import importlib.util
import io
import struct
import sys
import time
import zlib

import jmessage
import requests
from jmessage import group, im, message, resource, room, user

PORT, APP_KEY, SECRET = sys.argv[1:4]
HOST = "https://localhost:%s" % PORT


class Client(jmessage.JMessage):
    """The SDK's own raises on every PUT and DELETE with a body, before it sends anything."""

    def put(self, uri, params=None, data=None):
        return self._session.put(uri, params=params, json=data, headers=self._headers(data))

    def delete(self, uri, params=None, data=None):
        return self._session.delete(uri, params=params, json=data, headers=self._headers(data))

    @staticmethod
    def _headers(data):
        return {"content-type": "application/json; charset=utf-8"} if data is None else {}


def mended(name, *slips):
    """A module of the SDK that is no Python as it was released, with its slips corrected."""
    spec = importlib.util.find_spec("jmessage." + name)
    text = open(spec.origin, encoding="utf-8").read()
    for wrong, right in slips:
        assert wrong in text, (name, wrong)
        text = text.replace(wrong, right)
    module = type(sys)("jmessage." + name)
    exec(compile(text, spec.origin, "exec"), module.__dict__)
    return module


report = mended(
    "report",
    ("(self, unit='DAY', start, duration)", "(self, *, unit='DAY', start, duration)"),
    ("statistic(self, type, *, unit='DAY', start, duration)\n", "statistic(self, type, *, unit='DAY', start, duration):\n"),
    ("('groups', username, cursor)", "('groups', gid, cursor)"),
)
sensitiveword = mended("sensitiveword", ("_status(Self, status)", "_status(self, status):"))

for kind in (
    user.User, group.Group, room.Room, message.Message, message.Resource, resource.Resource, im.IM,
    report.Report, sensitiveword.SensitiveWord,
):
    for name in ("URI", "ADMIN_URI", "SDK_URI", "WORD_URI"):
        if hasattr(kind, name):
            path = getattr(kind, name).replace("https://api.im.jpush.cn", "").replace("https://report.im.jpush.cn", "")
            setattr(kind, name, HOST + path)


def main():
    client = Client(APP_KEY, SECRET)
    begun = time.time()
    users, groups, rooms = user.User(client), group.Group(client), room.Room(client)
    users_are_registered(users)
    users_are_shown_and_changed(users)
    users_are_deleted(users)
    presence_is_told(users)
    friends_are_made_noted_and_removed(users)
    a_blacklist_is_kept(users)
    gid = a_group_is_made_and_changed(groups, users)
    silence_and_owner_of_a_group(groups, gid)
    do_not_disturb_and_shields(users, gid)
    roomid = a_room_is_made_and_changed(rooms, users)
    media = files_are_uploaded_and_found(client)
    messages_are_sent_and_taken_back(client, gid, roomid, media)
    for words in (sensitiveword.SensitiveWord(client), OfIm(client)):
        words_are_kept(words)
    registration_is_switched(im.IM(client))
    history_is_walked(report.Report(client), gid, roomid, begun)
    statistics_are_told(report.Report(client))
    groups_and_rooms_end(groups, rooms, gid, roomid)
    users_are_blocked(users)
    wrong_secrets_are_unauthorized()


def users_are_registered(users):
    made = users.create(
        "python_1", "secret", nickname="Nick", avatar="qiniu/image/r/1", birthday="1990-01-24", signature="s",
        gender=1, region="r", address="a", extras={"key": {"n": 1}},
    )
    assert told(made, 201) == [{"username": "python_1"}]
    more = [{"username": "python_%d" % number, "password": "secret"} for number in range(2, 7)]
    assert told(users.register(more), 201) == [{"username": one["username"]} for one in more]
    # Its admins come as lists of one.
    admin = users.create("python_admin", "secret", admin=True)
    assert admin.status_code == 201, admin.text
    again = users.create("python_admin", "secret", admin=True)
    assert again.status_code == 403 and "899001" in again.text, again.text
    listed = told(users.all(500), 200)
    assert (listed["total"], listed["count"]) == (6, 6), listed
    second = told(users.all(2, start=2), 200)
    assert [one["username"] for one in second["users"]] == ["python_3", "python_4"], second
    admins = told(users.all(500, admin=True), 200)
    assert [one["username"] for one in admins["users"]] == ["python_admin"], admins


def users_are_shown_and_changed(users):
    shown = told(users.get("python_1"), 200)
    assert (shown["nickname"], shown["birthday"], shown["gender"]) == ("Nick", "1990-01-24 00:00:00", 1), shown
    assert shown["extras"] == {"key": {"n": 1}}, shown
    nothing(users.update("python_1", nickname="Other", birthday="1991-02-25", gender=2, extras={"other": "x"}))
    shown = told(users.get("python_1"), 200)
    assert (shown["nickname"], shown["birthday"], shown["gender"]) == ("Other", "1991-02-25 00:00:00", 2), shown
    assert (shown["extras"], shown["region"]) == ({"other": "x"}, "r"), shown
    nothing(users.update_password("python_1", "changed"))
    assert told(users.get("python_admin"), 200)["username"] == "python_admin"


def users_are_deleted(users):
    nothing(users.delete("python_6"))
    assert refused(users.delete(["python_5", "python_6"]), 403) == 899002
    gone = users.delete(["python_5"])
    assert (gone.status_code, gone.content) == (200, b""), gone.text
    assert refused(users.get("python_5"), 403) == 899002


def presence_is_told(users):
    assert told(users.stat("python_1"), 200) == {"login": False, "online": False}
    assert told(users.stat(["python_1", "python_2"]), 200) == [
        {"username": "python_1", "devices": []}, {"username": "python_2", "devices": []},
    ]
    assert refused(users.stat(["python_1", "nobody_here"]), 403) == 899002


def friends_are_made_noted_and_removed(users):
    nothing(users.add_friends("python_1", ["python_2", "python_3"]), 201)
    assert refused(users.add_friends("python_2", "python_1"), 403) == 899070
    nothing(users.update_friend("python_1", "python_2", remark="note", others="more"))
    nothing(users.update_friends("python_1", [{"username": "python_3", "note_name": "three"}]))
    assert refused(users.update_friend("python_1", "python_4", remark="note"), 403) == 899071
    friends = told(users.friends("python_1"), 200)
    assert [(one["username"], one["note_name"], one.get("others"), one["appkey"]) for one in friends] == [
        ("python_2", "note", "more", APP_KEY), ("python_3", "three", None, APP_KEY),
    ], friends
    assert [one["username"] for one in told(users.friends("python_2"), 200)] == ["python_1"]
    nothing(users.remove_friends("python_1", "python_3"))
    assert [one["username"] for one in told(users.friends("python_1"), 200)] == ["python_2"]


def a_blacklist_is_kept(users):
    nothing(users.add_blacklist("python_1", ["python_3", "python_4"]))
    assert refused(users.add_blacklist("python_1", "python_3"), 403) == 899017
    assert refused(users.add_blacklist("python_1", "python_admin"), 403) == 899018
    assert {one["username"] for one in told(users.blacklist("python_1"), 200)} == {"python_3", "python_4"}
    nothing(users.remove_blacklist("python_1", "python_3"))
    assert refused(users.remove_blacklist("python_1", "python_3"), 403) == 899019
    assert [one["username"] for one in told(users.blacklist("python_1"), 200)] == ["python_4"]


def a_group_is_made_and_changed(groups, users):
    made = told(groups.create("python_1", "a group", ["python_2", "python_3"], "qiniu/image/r/2", "desc", 2), 201)
    assert (made["flag"], made["avatar"], made["desc"]) == (2, "qiniu/image/r/2", "desc"), made
    assert made["members_username"] == ["python_2", "python_3"], made
    gid = made["gid"]
    nothing(groups.update(gid, name="renamed", desc="said"))
    shown = told(groups.get(gid), 200)
    assert (shown["name"], shown["desc"], shown["avatar"]) == ("renamed", "said", "qiniu/image/r/2"), shown
    nothing(groups.add_members(gid, "python_4"))
    assert refused(groups.add_members(gid, ["python_4"]), 400) == 899011
    nothing(groups.remove_members(gid, ["python_4"]))
    assert refused(groups.remove_members(gid, "python_4"), 403) == 899014
    assert [(one["username"], one["flag"]) for one in told(groups.members(gid), 200)] == [
        ("python_1", 1), ("python_2", 0), ("python_3", 0),
    ]
    listed = told(groups.all(10), 200)
    assert (listed["total"], [one["gid"] for one in listed["groups"]]) == (1, [gid]), listed
    assert [one["gid"] for one in told(users.groups("python_3"), 200)] == [gid]
    return gid


def silence_and_owner_of_a_group(groups, gid):
    nothing(groups.add_silence(gid, ["python_2"]))
    assert refused(send(groups._jmessage, "group", gid, "python_2"), 403) == 803012
    nothing(groups.remove_silence(gid, "python_2"))
    assert send(groups._jmessage, "group", gid, "python_2").status_code == 201
    assert refused(groups.add_silence(gid, "python_4"), 403) == 765001
    # The SDK forgets the body.
    assert refused(groups.update_owner(gid, "python_2"), 400) == 899003


def do_not_disturb_and_shields(users, gid):
    nothing(users.add_sigle_nodisturb("python_1", "python_2"))
    assert refused(users.add_sigle_nodisturb("python_1", ["python_2"]), 403) == 899043
    nothing(users.remove_sigle_nodisturb("python_1", "python_2"))
    assert refused(users.remove_sigle_nodisturb("python_1", "python_2"), 403) == 899044
    nothing(users.add_group_nodisturb("python_1", gid))
    assert refused(users.add_group_nodisturb("python_1", [gid]), 403) == 899047
    nothing(users.remove_group_nodisturb("python_1", gid))
    assert refused(users.remove_group_nodisturb("python_1", gid), 403) == 899049
    assert refused(users.add_group_nodisturb("python_1", 123456789), 403) == 899045
    assert refused(users.add_group_nodisturb("python_4", gid), 403) == 899046
    nothing(users.open_global_nodisturb("python_1"))
    assert refused(users.open_global_nodisturb("python_1"), 403) == 899048
    nothing(users.close_global_nodisturb("python_1"))
    nothing(users.add_groups_shield("python_2", gid))
    assert refused(users.add_groups_shield("python_2", gid), 403) == 899052
    nothing(users.remove_groups_shield("python_2", gid))
    assert refused(users.remove_groups_shield("python_2", gid), 403) == 899053
    assert refused(users.add_groups_shield("python_2", 123456789), 403) == 899051


def a_room_is_made_and_changed(rooms, users):
    made = told(rooms.create("python_1", "a room", members="python_2", desc="desc"), 201)
    assert set(made) == {"chatroom_id"}, made
    roomid = made["chatroom_id"]
    shown = told(rooms.get(roomid), 200)
    assert [(one["id"], one["name"], one["description"], one["total_member_count"]) for one in shown] == [
        (roomid, "a room", "desc", 2),
    ], shown
    listed = told(rooms.all(10), 200)
    assert (listed["total"], [one["id"] for one in listed["rooms"]]) == (1, [roomid]), listed
    nothing(rooms.update(roomid, owner="python_2", name="renamed", desc="new"))
    assert told(rooms.get([roomid]), 200)[0]["owner_username"] == "python_2"
    assert refused(rooms.update(roomid, owner="python_3", name="x", desc="y"), 403) == 899082
    nothing(rooms.add_members(roomid, ["python_3", "python_4"]))
    assert refused(rooms.add_members(roomid, "python_4"), 403) == 851003
    nothing(rooms.remove_members(roomid, "python_4"))
    assert refused(rooms.remove_members(roomid, "python_4"), 403) == 899082
    assert refused(rooms.remove_members(roomid, "python_2"), 403) == 852004
    nothing(rooms.add_silence(roomid, "python_3"))
    assert refused(send(rooms._jmessage, "chatroom", roomid, "python_3"), 403) == 847002
    members = told(rooms.members(roomid, 10), 200)
    assert (members["total"], members["count"]) == (3, 3), members
    flags = {one["username"]: one["flag"] for one in members["users"]}
    assert flags == {"python_1": 0, "python_2": 0, "python_3": 1}, members
    nothing(rooms.remove_silence(roomid, "python_3"))
    assert [one["id"] for one in told(users.chatrooms("python_3"), 200)] == [roomid]
    return roomid


def files_are_uploaded_and_found(client):
    media = {}
    picture = png(3, 2)
    for files in (resource.Resource(client), message.Resource(client)):
        media["image"] = told(files.upload_image(("a.png", io.BytesIO(picture))), 200)
        media["voice"] = told(files.upload_voice(("a.mp3", io.BytesIO(b"sound"))), 200)
        media["file"] = told(files.upload_file(("a.txt", io.BytesIO(b"text"))), 200)
        for kind, content in (("image", picture), ("voice", b"sound"), ("file", b"text")):
            uploaded = media[kind]
            assert (uploaded["fsize"], uploaded["media_crc32"]) == (len(content), zlib.crc32(content)), uploaded
            where = told(files.download(uploaded["media_id"]), 200)["url"]
            assert requests.get(where).content == content, where
        assert refused(files.upload("film", ("a", io.BytesIO(b"x"))), 400) == 899003
        assert refused(files.upload("image", ("a.png", io.BytesIO(b"no picture"))), 400) == 899003
        assert refused(files.download("qiniu/file/r/" + "0" * 32), 400) == 899003
    assert (media["image"]["width"], media["image"]["height"], media["image"]["format"]) == (3, 2, "png"), media
    assert media["file"]["fname"] == "a.txt", media
    return media


def messages_are_sent_and_taken_back(client, gid, roomid, media):
    messages = message.Message(client)
    for target_type, target in (("single", "python_2"), ("group", gid), ("chatroom", roomid)):
        def told_to(built):
            built = built.set_target(str(target), target_type, name="to").set_from("python_admin", "admin", name="from")
            return built.notification("title", "alert").notifiable(False).offline(True)

        sent = told(messages.send(told_to(message.Model().text("hello"))), 201)
        assert set(sent) == {"msg_id", "msg_ctime"} and sent["msg_ctime"] > 1e12, sent
        told(messages.send(told_to(message.Model().image(media["image"]))), 201)
        told(messages.send(told_to(message.Model().voice(dict(media["voice"], duration=3)))), 201)
        # The SDK drops the content of what is custom.
        assert refused(messages.send(told_to(message.Model().custom({"k": "v"}))), 400) == 899003
        custom = told_to(message.Model().custom({})).json()
        told(messages.send(dict(custom, msg_body={"k": {"n": [1]}})), 201)
        if target_type == "chatroom":
            assert refused(messages.retract("python_admin", sent["msg_id"]), 403) == 855003
            continue
        assert refused(messages.retract("python_1", sent["msg_id"]), 403) == 855002
        nothing(messages.retract("python_admin", sent["msg_id"]))
        assert refused(messages.retract("python_admin", sent["msg_id"]), 403) == 855004
    assert refused(messages.send({"version": 1}), 400) == 899003


class OfIm:
    """What `IM` calls what `SensitiveWord` calls otherwise."""

    def __init__(self, client):
        self._im = im.IM(client)

    def change(self, old, new):
        return self._im.change_word(old=old, new=new)

    def __getattr__(self, name):
        names = {
            "all": "all_words", "add": "add_words", "remove": "remove_word", "status": "word_status",
            "open": "open_filter", "close": "close_filter",
        }
        return getattr(self._im, names[name])


def words_are_kept(words):
    nothing(words.add(["heron", "鹭"]))
    nothing(words.add("stork"))
    nothing(words.change("stork", "crane"))
    listed = told(words.all(1000), 200)
    assert (listed["total"], listed["count"]) == (3, 3), listed
    assert {one["name"] for one in listed["words"]} == {"heron", "鹭", "crane"}, listed
    nothing(words.open())
    assert told(words.status(), 200) == {"status": 1}
    assert refused(send(Client(APP_KEY, SECRET), "single", "python_2", "python_1", "a heron flies"), 403) == 803009
    nothing(words.close())
    assert told(words.status(), 200) == {"status": 0}
    for word in ("heron", "鹭", "crane"):
        nothing(words.remove(word))
    assert told(words.all(10), 200)["total"] == 0
    assert refused(words.add("a" * 11), 400) == 899003


def registration_is_switched(switch):
    nothing(switch.close_sdk())
    assert told(switch.sdk_status(), 200) == {"status": 0}
    nothing(switch.open_sdk())
    assert told(switch.sdk_status(), 200) == {"status": 1}


def history_is_walked(reports, gid, roomid, begun):
    span = {"begin": wall_clock(begun - 60), "end": wall_clock(time.time() + 60)}
    walks = (
        (reports.messages, reports.messages_by_cursor, ()),
        (reports.users_messages, reports.users_messages_by_cursor, ("python_2",)),
        (reports.groups_messages, reports.groups_messages_by_cursor, (str(gid),)),
        (reports.rooms_messages, reports.rooms_messages_by_cursor, (str(roomid),)),
    )
    for first, next_, named in walks:
        page = told(first(*named, count=3, **span), 200)
        total, found = page["total"], page["messages"]
        while page.get("cursor"):
            assert page["count"] == 3, page
            page = told(next_(*named, page["cursor"]), 200)
            found += page["messages"]
        ids = [one["msgid"] for one in found]
        assert len(ids) == total > 3 and ids == sorted(set(ids)), found
    assert refused(reports.messages(count=1001, **span), 400) == 899003
    assert refused(reports.messages_by_cursor("unknown"), 400) == 899003
    assert refused(reports.groups_messages("123456789", count=1, **span), 403) == 899006


def statistics_are_told(reports):
    today = wall_clock(time.time())[:10]
    rows = told(reports.users_statistic(start=today, duration=1), 200)
    assert set(rows[-1]) == {"date", "active_users", "total_users", "send_msg_users", "new_users"}, rows
    rows = told(reports.groups_statistic(start=today, duration=1), 200)
    assert set(rows[-1]) == {"date", "active_group", "total_group", "new_group"}, rows
    rows = told(reports.messages_statistic(unit="MONTH", start=today[:7], duration=1), 200)
    assert set(rows) == {"send_msg_stat", "single_msg_stat", "group_msg_stat"}, rows
    assert rows["single_msg_stat"]["image_msg"] >= 1, rows


def groups_and_rooms_end(groups, rooms, gid, roomid):
    nothing(rooms.delete(roomid))
    assert refused(rooms.delete(roomid), 403) == 899081
    nothing(groups.delete(gid))
    assert refused(groups.delete(gid), 403) == 899006


def users_are_blocked(users):
    # Booleans come with a capital letter.
    nothing(users.block("python_1"))
    assert refused(send(users._jmessage, "single", "python_2", "python_1"), 403) == 801006
    nothing(users.active("python_1"))
    assert send(users._jmessage, "single", "python_2", "python_1").status_code == 201


def wrong_secrets_are_unauthorized():
    for key, secret in ((APP_KEY, "0" * 24), ("0" * 24, SECRET)):
        assert refused(user.User(Client(key, secret)).get("python_1"), 401) == 899008


def send(client, target_type, target, sender, text="hello"):
    built = message.Model().text(text).set_target(str(target), target_type).set_from(sender, "user")
    return message.Message(client).send(built)


def png(width, height):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + b"\1\2\3" * width for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def wall_clock(seconds):
    """As the daemon's zone has it, UTC+8."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(seconds + 8 * 3600))


def told(answer, status):
    assert answer.status_code == status, (answer.status_code, answer.text)
    return answer.json()


def nothing(answer, status=204):
    assert (answer.status_code, answer.content) == (status, b""), (answer.status_code, answer.text)


def refused(answer, status):
    error = told(answer, status)["error"]
    assert set(error) == {"code", "message"} and error["message"], error
    return error["code"]


assert jmessage.__version__ == "2.0.0"
main()
