//! Every call that the REST APIs serve. The router is built from this table, and the test of the walls between apps
//! walks it: a route that is not in it does not exist.

use axum::routing::{MethodRouter, delete, get, post, put};

use super::{
    alias, app, certificate, device, device_status, file, im, image, media, push, report, schedule, tag, test_device,
};
use crate::context::Shared;

pub use super::access::Who;
pub use super::family::Family;

/// One method of one path.
pub struct Route {
    pub method: &'static str,
    /// Parameters stand in braces.
    pub path: &'static str,
    /// Whose codes are answered.
    pub family: Family,
    /// Whose credentials are asked for.
    pub who: Who,
    pub(super) handler: fn() -> MethodRouter<Shared>,
}

const fn route(
    method: &'static str,
    path: &'static str,
    family: Family,
    handler: fn() -> MethodRouter<Shared>,
) -> Route {
    Route { method, path, family, who: Who::App, handler }
}

impl Route {
    /// The same for other callers than apps.
    const fn of(self, who: Who) -> Self {
        Self { who, ..self }
    }
}

use Family::{Admin, Device, Im, Push, Report, Schedule};

pub const ROUTES: &[Route] = &[
    route("POST", "/v3/push", Push, || post(push::submit)),
    route("POST", "/v3/push/validate", Push, || post(push::validate)),
    route("GET", "/v3/push/cid", Push, || get(push::cids)).of(Who::Either),
    route("POST", "/v3/grouppush", Push, || post(push::submit_to_group)).of(Who::AppGroup),
    route("POST", "/v3/push/file", Push, || post(push::submit_to_file)),
    route("POST", "/v3/grouppush/file", Push, || post(push::submit_file_to_group)).of(Who::AppGroup),
    route("POST", "/v3/files/alias", Push, || post(file::upload_aliases)).of(Who::AppOrDeveloper),
    route("POST", "/v3/files/registration_id", Push, || post(file::upload_registration_ids)).of(Who::AppOrDeveloper),
    route("GET", "/v3/files", Push, || get(file::list)).of(Who::AppOrDeveloper),
    route("GET", "/v3/files/{file_id}", Push, || get(file::show)).of(Who::AppOrDeveloper),
    route("DELETE", "/v3/files/{file_id}", Push, || delete(file::remove)).of(Who::AppOrDeveloper),
    route("POST", "/v3/images/byurls", Push, || post(image::add_by_urls)),
    route("PUT", "/v3/images/byurls/{media_id}", Push, || put(image::change_by_urls)),
    route("POST", "/v3/images/byfiles", Push, || post(image::add_by_files)),
    route("PUT", "/v3/images/byfiles/{media_id}", Push, || put(image::change_by_files)),
    route("POST", "/v3/schedules", Schedule, || post(schedule::create)),
    route("GET", "/v3/schedules", Schedule, || get(schedule::list)),
    route("GET", "/v3/schedules/{schedule_id}", Schedule, || get(schedule::show)),
    route("PUT", "/v3/schedules/{schedule_id}", Schedule, || put(schedule::update)),
    route("DELETE", "/v3/schedules/{schedule_id}", Schedule, || delete(schedule::remove)),
    route("GET", "/v3/schedules/{schedule_id}/msg_ids", Schedule, || get(schedule::msg_ids)),
    // The Beijing layout.
    route("POST", "/v3/push/schedules", Schedule, || post(schedule::create)),
    route("GET", "/v3/push/schedules", Schedule, || get(schedule::list)),
    route("GET", "/v3/push/schedules/{schedule_id}", Schedule, || get(schedule::show)),
    route("PUT", "/v3/push/schedules/{schedule_id}", Schedule, || put(schedule::update)),
    route("DELETE", "/v3/push/schedules/{schedule_id}", Schedule, || delete(schedule::remove)),
    route("GET", "/v3/push/schedules/{schedule_id}/msg_ids", Schedule, || get(schedule::msg_ids)),
    route("DELETE", "/v3/push/{msg_id}", Push, || delete(push::withdraw)),
    route("POST", "/v3/push/batch/regid/single", Push, || post(push::to_registration_ids)),
    route("POST", "/v3/push/batch/alias/single", Push, || post(push::to_aliases)),
    route("GET", "/v3/push/quota", Push, || get(push::quota)),
    route("POST", "/v3/push/template", Push, || post(push::not_served)),
    route("POST", "/v3/push/template/schedule", Push, || post(push::not_served)),
    route("POST", "/v3/push_plan/create", Push, || post(push::not_served)),
    route("PUT", "/v3/push_plan/update", Push, || put(push::not_served)),
    route("GET", "/v3/push_plan/list", Push, || get(push::not_served)),
    route("GET", "/v3/devices/{registration_id}", Device, || get(device::show)),
    route("POST", "/v3/devices/{registration_id}", Device, || post(device::update)),
    route("POST", "/v3/devices/status", Device, || post(device_status::show)),
    route("GET", "/v3/received", Report, || get(report::received)),
    route("GET", "/v3/received/detail", Report, || get(report::received_detail)),
    route("POST", "/v3/status/message", Report, || post(report::status)),
    route("GET", "/v3/messages", Report, || get(report::messages)),
    route("GET", "/v3/messages/detail", Report, || get(report::messages_detail)),
    route("GET", "/v3/users", Report, || get(report::users)),
    route("GET", "/v3/group/messages/detail", Report, || get(report::group_messages_detail)).of(Who::AppGroup),
    route("GET", "/v3/group/users", Report, || get(report::group_users)).of(Who::AppGroup),
    route("GET", "/v3/aliases/{alias}", Device, || get(alias::show)),
    route("POST", "/v3/aliases/{alias}", Device, || post(alias::unbind)),
    route("DELETE", "/v3/aliases/{alias}", Device, || delete(alias::remove)),
    route("GET", "/v3/tags", Device, || get(tag::list)),
    route("GET", "/v3/tags/{tag}/registration_ids/{registration_id}", Device, || get(tag::check)),
    route("POST", "/v3/tags/{tag}", Device, || post(tag::change)),
    route("DELETE", "/v3/tags/{tag}", Device, || delete(tag::remove)),
    route("POST", "/v3/test/model/add", Device, || post(test_device::add)),
    route("PUT", "/v3/test/model/update", Device, || put(test_device::update)),
    route("DELETE", "/v3/test/model/delete/{registration_id}", Device, || delete(test_device::remove)),
    route("GET", "/v3/test/model/list", Device, || get(test_device::list)),
    // The Beijing layout.
    route("POST", "/v3/device/status", Device, || post(device_status::show)),
    route("POST", "/v3/device/devices/status", Device, || post(device_status::show)),
    route("GET", "/v3/report/received", Report, || get(report::received)),
    route("GET", "/v3/report/received/detail", Report, || get(report::received_detail)),
    route("POST", "/v3/report/status/message", Report, || post(report::status)),
    route("GET", "/v3/report/messages", Report, || get(report::messages)),
    route("GET", "/v3/report/messages/detail", Report, || get(report::messages_detail)),
    route("GET", "/v3/report/users", Report, || get(report::users)),
    route("GET", "/v3/device/{registration_id}", Device, || get(device::show)),
    route("POST", "/v3/device/{registration_id}", Device, || post(device::update)),
    route("GET", "/v3/device/devices/{registration_id}", Device, || get(device::show)),
    route("POST", "/v3/device/devices/{registration_id}", Device, || post(device::update)),
    route("GET", "/v3/device/aliases/{alias}", Device, || get(alias::show)),
    route("POST", "/v3/device/aliases/{alias}", Device, || post(alias::unbind)),
    route("DELETE", "/v3/device/aliases/{alias}", Device, || delete(alias::remove)),
    route("GET", "/v3/device/tags", Device, || get(tag::list)),
    route("GET", "/v3/device/tags/{tag}/registration_ids/{registration_id}", Device, || get(tag::check)),
    route("POST", "/v3/device/tags/{tag}", Device, || post(tag::change)),
    route("DELETE", "/v3/device/tags/{tag}", Device, || delete(tag::remove)),
    route("POST", "/v1/app", Admin, || post(app::create)).of(Who::Developer),
    route("POST", "/v1/app/{app_key}/delete", Admin, || post(app::remove)).of(Who::Developer),
    route("DELETE", "/v1/app/{app_key}/delete", Admin, || delete(app::remove)).of(Who::Developer),
    route("POST", "/v1/app/{app_key}/certificate", Admin, || post(certificate::upload)).of(Who::Developer),
    route("POST", "/v1/users", Im, || post(im::register_users)),
    route("GET", "/v1/users", Im, || get(im::list_users)),
    route("DELETE", "/v1/users", Im, || delete(im::delete_users)),
    route("POST", "/v1/admins", Im, || post(im::register_admin)),
    route("GET", "/v1/admins", Im, || get(im::list_admins)),
    route("GET", "/v1/users/{username}", Im, || get(im::show_user)),
    route("PUT", "/v1/users/{username}", Im, || put(im::change_profile)),
    route("DELETE", "/v1/users/{username}", Im, || delete(im::delete_user)),
    route("GET", "/v1/users/{username}/userstat", Im, || get(im::is_online)),
    route("POST", "/v1/users/userstat", Im, || {
        // Only this method is about many users: with the others it is the name of one.
        post(im::where_online).get(im::show_user).put(im::change_profile).delete(im::delete_user)
    }),
    route("POST", "/v2/users/statuser", Im, || post(im::where_online_if_known)),
    // One client's spelling.
    route("POST", "/v2/users/userstat", Im, || post(im::where_online_if_known)),
    route("PUT", "/v1/users/{username}/password", Im, || put(im::change_password)),
    route("PUT", "/v1/users/{username}/forbidden", Im, || put(im::forbid)),
    route("PUT", "/v1/users/{username}/blacklist", Im, || put(im::block)),
    route("DELETE", "/v1/users/{username}/blacklist", Im, || delete(im::unblock)),
    route("GET", "/v1/users/{username}/blacklist", Im, || get(im::list_blocked)),
    route("POST", "/v1/users/{username}/nodisturb", Im, || post(im::mute)),
    route("POST", "/v1/users/{username}/groupsShield", Im, || post(im::shield)),
    route("POST", "/v1/users/{username}/friends", Im, || post(im::add_friends)),
    route("PUT", "/v1/users/{username}/friends", Im, || put(im::note_friends)),
    route("GET", "/v1/users/{username}/friends", Im, || get(im::list_friends)),
    route("DELETE", "/v1/users/{username}/friends", Im, || delete(im::remove_friends)),
    route("PUT", "/v1/sdkregister/status", Im, || put(im::set_registration)),
    route("GET", "/v1/sdkregister/status", Im, || get(im::show_registration)),
    // As an older edition of the API has it.
    route("PUT", "/sdkregister/status", Im, || put(im::set_registration)),
    route("GET", "/sdkregister/status", Im, || get(im::show_registration)),
    route("GET", "/v1/users/{username}/groups", Im, || get(im::groups_of_user)),
    route("POST", "/v1/groups", Im, || post(im::create_group)),
    route("GET", "/v1/groups/{gid}", Im, || get(im::show_group)),
    route("GET", "/v1/groups/{gid}/members", Im, || get(im::list_members)),
    route("POST", "/v1/groups/{gid}/members", Im, || post(im::change_members)),
    route("POST", "/v1/messages", Im, || post(im::send_message)),
    route("GET", "/v1/messages", Im, || get(im::list)),
    route("GET", "/v1/users/{username}/messages", Im, || get(im::list_of_user)),
    route("GET", "/v1/messages/users/{username}", Im, || get(im::list_of_user)),
    route("GET", "/v1/messages/groups/{gid}", Im, || get(im::list_of_group)),
    route("GET", "/v2/messages", Im, || get(im::history)),
    route("GET", "/v2/users/{username}/messages", Im, || get(im::history_of_user)),
    route("GET", "/v2/groups/{gid}/messages", Im, || get(im::history_of_group)),
    route("GET", "/v2/chatrooms/{chatroomid}/messages", Im, || get(im::history_of_room)),
    route("GET", "/v2/statistic/users", Im, || get(im::user_statistic)),
    route("GET", "/v2/statistic/messages", Im, || get(im::message_statistic)),
    route("GET", "/v2/statistic/groups", Im, || get(im::group_statistic)),
    route("POST", "/v1/resource", Im, || post(media::upload)),
    route("GET", "/v1/resource", Im, || get(media::resolve)),
    route("GET", "/v1/groups", Im, || get(im::list_groups)),
    route("PUT", "/v1/groups/{gid}", Im, || put(im::change_group)),
    route("DELETE", "/v1/groups/{gid}", Im, || delete(im::dissolve_group)),
    route("POST", "/v2/groups/{gid}/addMembers", Im, || post(im::add_members)),
    route("POST", "/v2/groups/{gid}/delMembers", Im, || post(im::remove_members)),
    route("PUT", "/v1/groups/messages/{gid}/silence", Im, || put(im::silence)),
    route("PUT", "/v1/groups/owner/{gid}", Im, || put(im::transfer_group)),
    // As the API's pages have them.
    route("PUT", "/groups/messages/{gid}/silence", Im, || put(im::silence)),
    route("PUT", "/groups/owner/{gid}", Im, || put(im::transfer_group)),
    route("POST", "/v1/chatroom", Im, || post(im::create_room)),
    route("GET", "/v1/chatroom", Im, || get(im::list_rooms)),
    route("POST", "/v1/chatroom/batch", Im, || post(im::show_rooms)),
    route("PUT", "/v1/chatroom/{room_id}", Im, || put(im::change_room)),
    route("PUT", "/v1/chatroom/{room_id}/forbidden/{username}", Im, || put(im::silence_in_room)),
    route("GET", "/v1/chatroom/{room_id}/members", Im, || get(im::list_room_members)),
    route("PUT", "/v1/chatroom/{room_id}/members", Im, || put(im::add_to_room)),
    route("DELETE", "/v1/chatroom/{room_id}/members", Im, || delete(im::remove_from_room)),
    route("GET", "/v1/users/{username}/chatroom", Im, || get(im::rooms_of_user)),
    route("POST", "/v1/cross/chatroom/{room_id}/members", Im, || post(im::change_room_members_across)),
    // As the API's page has it.
    route("POST", "/cross/chatroom/{room_id}/members", Im, || post(im::change_room_members_across)),
    route("DELETE", "/v1/chatroom/{room_id}", Im, || delete(im::delete_room)),
    route("POST", "/v1/messages/{username}/{msgid}/retract", Im, || post(im::retract_message)),
    route("POST", "/v1/cross/groups/{gid}/members", Im, || post(im::change_members_across)),
    route("GET", "/v1/cross/groups/{gid}/members", Im, || get(im::list_members_across)),
    route("GET", "/v1/cross/users/{username}/groups", Im, || get(im::groups_of_user_across)),
    route("PUT", "/v1/cross/users/{username}/blacklist", Im, || put(im::block_across)),
    route("DELETE", "/v1/cross/users/{username}/blacklist", Im, || delete(im::unblock_across)),
    route("GET", "/v1/cross/users/{username}/blacklist", Im, || get(im::list_blocked_across)),
    route("POST", "/v1/cross/users/{username}/nodisturb", Im, || post(im::mute_across)),
    route("POST", "/v1/cross/users/{username}/friends", Im, || post(im::add_friends_across)),
    route("PUT", "/v1/cross/users/{username}/friends", Im, || put(im::note_friends_across)),
    route("DELETE", "/v1/cross/users/{username}/friends", Im, || delete(im::remove_friends_across)),
    route("POST", "/v1/sensitiveword", Im, || post(im::add_words)),
    route("PUT", "/v1/sensitiveword", Im, || put(im::replace_word)),
    route("DELETE", "/v1/sensitiveword", Im, || delete(im::remove_words)),
    route("GET", "/v1/sensitiveword", Im, || get(im::list_words)),
    route("PUT", "/v1/sensitiveword/status", Im, || put(im::set_word_filter)),
    route("GET", "/v1/sensitiveword/status", Im, || get(im::show_word_filter)),
];
