//! Frames about the user's own devices.

use anser_protocol::content::Platform;
use anser_protocol::frame::device::{OwnDevice, OwnDevices, OwnDevicesAsk};
use anser_protocol::frame::{ClientFrame, ServerFrame};

use super::samples::*;
use super::{Vector, client, server};

pub fn vectors() -> Vec<Vector> {
    let ask = |request, extensions| ClientFrame::OwnDevicesAsk(OwnDevicesAsk { request, extensions });
    let answer = |devices, extensions| ServerFrame::OwnDevices(OwnDevices { request: 25, devices, extensions });
    let pushed_off = OwnDevice {
        registration_id: REGISTRATION_ID.into(),
        platform: Platform::ANDROID,
        seen_s: NOW_MS / 1_000,
        was_pushed_off: true,
        ..OwnDevice::default()
    };
    let online = OwnDevice {
        registration_id: "1a0018970aabcdef013".into(),
        platform: Platform::WEB,
        is_logged_in: true,
        is_online: true,
        seen_s: NOW_MS / 1_000,
        was_pushed_off: false,
        extensions: unknown_extension(),
    };
    vec![
        client("own_devices_ask", "On which devices is the user logged in?", ask(25, none())),
        client("own_devices_ask_with_extension", "The same, extended.", ask(26, unknown_extension())),
        server(
            "own_devices",
            "The phone that this login pushed off, and a browser that is online.",
            answer(vec![pushed_off, online], none()),
        ),
        server("own_devices_none", "No device.", answer(vec![], unknown_extension())),
    ]
}
