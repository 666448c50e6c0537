//! What a user does with messages besides sending them: taking one back, and transparent commands.

use std::sync::Arc;

use anser_protocol::error::ErrorCode;
use anser_protocol::extension::Extensions;
use anser_protocol::frame::ServerFrame;
use anser_protocol::frame::talk::{CommandCame, CommandTarget, Retract, SendCommand};
use anser_protocol::ids::GroupId;
use anser_protocol::limits::COMMAND_BYTES_MAX;
use anser_storage::LinkedPerson;
use anser_storage::command::{Actor, Amend, Amended, Command};
use anser_storage::ids::UserNumber;
use anser_storage::outcome::Answer as Accepted;

use super::request::Pending;
use super::{Action, Session, Stage};
use crate::link::query::{Answer, CommandFor, CommandReceivers, Query};

impl Session {
    pub(super) fn retract(&mut self, body: Retract) {
        let Stage::Ready(ready) = &self.stage else { return };
        let Some(user) = &ready.user else { return self.fail(body.request, ErrorCode::NOT_LOGGED_IN, "") };
        let command = Command::Amend(Amend {
            app: ready.app,
            by: Actor::User(user.number),
            through_server: false,
            message: body.message,
            what: Amended::Retracted,
            within_ms: Some(self.rules.retract_ms_max),
        });
        self.submit(Pending::Retract(body.request), command);
    }

    pub(super) fn retracted(&mut self, request: u32, accepted: Result<Accepted, (ErrorCode, String)>) {
        match accepted {
            Ok(Accepted::Amended { is_repeat: false, .. }) => self.done(request),
            Ok(Accepted::Amended { is_repeat: true, .. }) => self.fail(request, ErrorCode::RETRACT_DONE, ""),
            Ok(_) => self.fail(request, ErrorCode::INTERNAL, ""),
            Err((code, message)) => self.fail(request, code, &message),
        }
    }

    /// Who is to get it is asked of the store first.
    pub(super) fn pass_command(&mut self, body: SendCommand) {
        let Stage::Ready(ready) = &self.stage else { return };
        let Some(user) = &ready.user else { return self.fail(body.request, ErrorCode::NOT_LOGGED_IN, "") };
        if body.text.len() > COMMAND_BYTES_MAX {
            return self.fail(body.request, ErrorCode::COMMAND_TOO_LONG, "");
        }
        let to = match body.target {
            CommandTarget::USER if *body.username == *user.name => {
                return self.fail(body.request, ErrorCode::COMMAND_TO_SELF, "");
            }
            CommandTarget::USER => CommandFor::User(body.username),
            CommandTarget::GROUP => CommandFor::Group(body.group),
            CommandTarget::OWN_DEVICES => CommandFor::OwnDevices(body.platform),
            _ => return self.fail(body.request, ErrorCode::INVALID, ""),
        };
        let came = CommandCame {
            target: body.target,
            from: user.name.to_string(),
            group: if body.target == CommandTarget::GROUP { body.group } else { GroupId(0) },
            platform: ready.device.platform(),
            text: body.text,
            extensions: Extensions::default(),
        };
        let (app, user, device) = (ready.app, user.number, ready.device.number);
        let query = Query::CommandReceivers { app, user, device, to };
        self.query(Pending::PassCommand(body.request, Box::new(came)), query);
    }

    pub(super) fn command_receivers_read(
        &mut self,
        request: u32,
        mut came: CommandCame,
        answer: Result<Answer, ErrorCode>,
    ) {
        let receivers = match answer {
            Ok(Answer::CommandReceivers(Ok(receivers))) => receivers,
            Ok(Answer::CommandReceivers(Err(code))) | Err(code) => return self.fail(request, code, ""),
            Ok(_) => return self.fail(request, ErrorCode::INTERNAL, ""),
        };
        let Stage::Ready(ready) = &self.stage else { return };
        let (app, receivers) = match receivers {
            CommandReceivers::Elsewhere(LinkedPerson { app, user, from, .. }) => {
                came.from = from;
                (app, CommandReceivers::Users(vec![user]))
            }
            receivers => (ready.app, receivers),
        };
        let must_be_there = came.target != CommandTarget::GROUP;
        let ticket = self.ask(Pending::CommandPassed { request, must_be_there });
        self.actions.push_back(Action::PassCommand { ticket, app, receivers, came: Arc::new(came) });
    }

    /// How many links it was handed to.
    pub(super) fn command_passed(&mut self, ticket: super::Ticket, links: usize) {
        let Some(Pending::CommandPassed { request, must_be_there }) = self.take_pending(ticket) else { return };
        match links == 0 && must_be_there {
            true => self.fail(request, ErrorCode::COMMAND_OFFLINE, ""),
            false => self.done(request),
        }
    }

    /// A transparent command of somebody else, or of another device of the user.
    pub(super) fn tell_command(&mut self, user: UserNumber, came: &CommandCame) {
        if self.user().is_some_and(|(flow, _)| flow.number == user) {
            self.send(&ServerFrame::CommandCame(came.clone()));
        }
    }
}
