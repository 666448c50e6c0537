//! A device's tags, alias and mobile number.

use anser_protocol::error::ErrorCode;
use anser_protocol::extension::Extensions;
use anser_protocol::frame::ServerFrame;
use anser_protocol::frame::push::{Alias, AliasValue, LabelAction, Mobile, TagList, Tags};
use anser_protocol::label;
use anser_protocol::limits::{LABEL_BYTES_MAX, TAGS_PER_CALL_BYTES_MAX};
use anser_storage::command::{Command, DeviceChange, DeviceCommand};
use anser_storage::outcome::Answer as Accepted;

use super::request::Pending;
use super::{Session, Stage};
use crate::link::query::{Answer, Query};

impl Session {
    pub(super) fn handle_tags(&mut self, body: Tags) {
        let Stage::Ready(ready) = &self.stage else { return };
        let (app, device) = (ready.app, ready.device.number);
        if let Err(code) = check_tags(&body.tags) {
            return self.fail(body.request, code, "");
        }
        let command = match body.action {
            LabelAction::GET => return self.ask_tags(body.request),
            LabelAction::SET => DeviceCommand::SetTags { app, device, tags: body.tags },
            LabelAction::ADD => DeviceCommand::ChangeTags { app, device, remove: Vec::new(), add: body.tags },
            LabelAction::DELETE => DeviceCommand::ChangeTags { app, device, remove: body.tags, add: Vec::new() },
            _ => return self.fail(body.request, ErrorCode::INVALID, "unknown action"),
        };
        self.submit(Pending::ChangeTags(body.request), Command::Device(command));
    }

    pub(super) fn tags_changed(&mut self, request: u32, accepted: Result<Accepted, (ErrorCode, String)>) {
        match accepted {
            Ok(_) => self.ask_tags(request),
            Err((code, message)) => self.fail(request, code, &message),
        }
    }

    fn ask_tags(&mut self, request: u32) {
        let Stage::Ready(ready) = &self.stage else { return };
        let query = Query::Tags { app: ready.app, device: ready.device.number };
        self.query(Pending::Tags(request), query);
    }

    pub(super) fn tags_read(&mut self, request: u32, answer: Result<Answer, ErrorCode>) {
        match answer {
            Ok(Answer::Tags(tags)) => {
                self.send(&ServerFrame::TagList(TagList { request, tags, extensions: Extensions::default() }))
            }
            Ok(_) => self.fail(request, ErrorCode::INTERNAL, ""),
            Err(code) => self.fail(request, code, ""),
        }
    }

    pub(super) fn handle_alias(&mut self, body: Alias) {
        let Stage::Ready(ready) = &self.stage else { return };
        let (app, device) = (ready.app, ready.device.number);
        let alias = match body.action {
            LabelAction::GET => return self.ask_alias(body.request),
            LabelAction::SET if body.alias.len() > LABEL_BYTES_MAX => {
                return self.fail(body.request, ErrorCode::ALIAS_TOO_LONG, "");
            }
            LabelAction::SET if !label::is_label(&body.alias) => {
                return self.fail(body.request, ErrorCode::ALIAS_CHARACTERS, "");
            }
            LabelAction::SET => Some(body.alias),
            LabelAction::DELETE => None,
            _ => return self.fail(body.request, ErrorCode::INVALID, "unknown action"),
        };
        let command = Command::Device(DeviceCommand::SetAlias { app, device, alias });
        self.submit(Pending::ChangeAlias(body.request), command);
    }

    pub(super) fn alias_changed(&mut self, request: u32, accepted: Result<Accepted, (ErrorCode, String)>) {
        match accepted {
            Ok(_) => self.ask_alias(request),
            Err((code, message)) => self.fail(request, code, &message),
        }
    }

    fn ask_alias(&mut self, request: u32) {
        let Stage::Ready(ready) = &self.stage else { return };
        let query = Query::Alias { app: ready.app, device: ready.device.number };
        self.query(Pending::Alias(request), query);
    }

    pub(super) fn alias_read(&mut self, request: u32, answer: Result<Answer, ErrorCode>) {
        match answer {
            Ok(Answer::Alias(alias)) => {
                self.send(&ServerFrame::AliasValue(AliasValue { request, alias, extensions: Extensions::default() }))
            }
            Ok(_) => self.fail(request, ErrorCode::INTERNAL, ""),
            Err(code) => self.fail(request, code, ""),
        }
    }

    pub(super) fn set_mobile(&mut self, body: Mobile) {
        let Stage::Ready(ready) = &self.stage else { return };
        if let Err(code) = label::check_mobile(&body.mobile) {
            return self.fail(body.request, code, "");
        }
        let (app, device) = (ready.app, ready.device.number);
        let change = DeviceChange { mobile: Some(body.mobile), ..DeviceChange::default() };
        self.submit(Pending::Mobile(body.request), Command::Device(DeviceCommand::Update { app, device, change }));
    }
}

fn check_tags(tags: &[String]) -> Result<(), ErrorCode> {
    if tags.iter().map(String::len).sum::<usize>() > TAGS_PER_CALL_BYTES_MAX {
        return Err(ErrorCode::TAGS_TOO_LONG);
    }
    for tag in tags {
        if tag.len() > LABEL_BYTES_MAX {
            return Err(ErrorCode::TAG_TOO_LONG);
        }
        if !label::is_label(tag) {
            return Err(ErrorCode::TAG_CHARACTERS);
        }
    }
    Ok(())
}
