//! Every call that the REST APIs serve. The router is built from this table, and the test of the walls between apps
//! walks it: a route that is not in it does not exist.

use axum::routing::{MethodRouter, get, post};

use super::{device, device_status, im, push, report};
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

use Family::{Device, Im, Push, Report};

pub const ROUTES: &[Route] = &[
    route("POST", "/v3/push", Push, || post(push::submit)),
    route("POST", "/v3/push/validate", Push, || post(push::validate)),
    route("GET", "/v3/push/cid", Push, || get(push::cids)),
    route("GET", "/v3/devices/{registration_id}", Device, || get(device::show)),
    route("POST", "/v3/devices/{registration_id}", Device, || post(device::update)),
    route("POST", "/v3/devices/status", Device, || post(device_status::show)),
    route("GET", "/v3/received", Report, || get(report::received)),
    route("GET", "/v3/received/detail", Report, || get(report::received_detail)),
    route("POST", "/v3/status/message", Report, || post(report::status)),
    route("GET", "/v3/messages", Report, || get(report::messages)),
    route("GET", "/v3/messages/detail", Report, || get(report::messages_detail)),
    route("GET", "/v3/users", Report, || get(report::users)),
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
    route("POST", "/v1/users", Im, || post(im::register_users)),
    route("POST", "/v1/admins", Im, || post(im::register_admin)),
    route("GET", "/v1/users/{username}", Im, || get(im::show_user)),
    route("POST", "/v1/groups", Im, || post(im::create_group)),
    route("GET", "/v1/groups/{gid}", Im, || get(im::show_group)),
    route("GET", "/v1/groups/{gid}/members", Im, || get(im::list_members)),
    route("POST", "/v1/groups/{gid}/members", Im, || post(im::change_members)),
    route("POST", "/v1/messages", Im, || post(im::send_message)),
];
