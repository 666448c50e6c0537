//! Every call that the REST APIs serve. The router is built from this table, and the test of the walls between apps
//! walks it: a route that is not in it does not exist.

use axum::routing::{MethodRouter, delete, get, post, put};

use super::{device, im, push};
use crate::context::Shared;

pub use super::family::Family;

/// One method of one path.
pub struct Route {
    pub method: &'static str,
    /// Parameters stand in braces.
    pub path: &'static str,
    /// Whose credentials are asked for, and whose codes are answered.
    pub family: Family,
    pub(super) handler: fn() -> MethodRouter<Shared>,
}

const fn route(
    method: &'static str,
    path: &'static str,
    family: Family,
    handler: fn() -> MethodRouter<Shared>,
) -> Route {
    Route { method, path, family, handler }
}

use Family::{Device, Im, Push};

pub const ROUTES: &[Route] = &[
    route("POST", "/v3/push", Push, || post(push::submit)),
    route("POST", "/v3/push/validate", Push, || post(push::validate)),
    route("GET", "/v3/push/cid", Push, || get(push::cids)),
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
    // The Beijing layout.
    route("GET", "/v3/device/{registration_id}", Device, || get(device::show)),
    route("POST", "/v3/device/{registration_id}", Device, || post(device::update)),
    route("GET", "/v3/device/devices/{registration_id}", Device, || get(device::show)),
    route("POST", "/v3/device/devices/{registration_id}", Device, || post(device::update)),
    route("POST", "/v1/users", Im, || post(im::register_users)),
    route("POST", "/v1/admins", Im, || post(im::register_admin)),
    route("GET", "/v1/users/{username}", Im, || get(im::show_user)),
    route("POST", "/v1/groups", Im, || post(im::create_group)),
    route("GET", "/v1/groups/{gid}", Im, || get(im::show_group)),
    route("GET", "/v1/groups/{gid}/members", Im, || get(im::list_members)),
    route("POST", "/v1/groups/{gid}/members", Im, || post(im::change_members)),
    route("POST", "/v1/messages", Im, || post(im::send_message)),
];
