//! What a command and its outcome say about the daemon's work, in few words.

use anser_protocol::ids::{Position, TimeMs};
use anser_storage::BatchDone;
use anser_storage::command::{BridgeCommand, Command, PushCommand, Reported, Target};
use anser_storage::ids::{AppNumber, DeviceNumber};
use anser_storage::outcome::{Answer, FiringResult, Outcome, Refusal};

use super::Observer;
use super::deliveries::Step;
use super::metrics::{Carried, Chat};
use crate::ledger::Unavailable;

/// The kinds of commands, in the order of [`kind_of`].
pub const COMMANDS: [&str; 24] = [
    "system",
    "app",
    "device",
    "label",
    "account",
    "user",
    "people",
    "group",
    "send",
    "amend",
    "push",
    "bridge",
    "schedule",
    "file",
    "segment",
    "mark",
    "told",
    "media",
    "group_order",
    "room",
    "word",
    "import",
    "data",
    "operator",
];

/// What rules are about, in the order of [`family_of`].
pub const REFUSALS: [&str; 10] =
    ["app", "device", "user", "relation", "group", "message", "room", "push", "file", "internal"];

/// What is remembered of a command while it is carried out.
pub struct Noted {
    kind: usize,
    about: About,
}

enum About {
    Nothing,
    Sent(Chat),
    Pushed { app: AppNumber, may_repeat: bool },
    Reported { app: AppNumber, device: DeviceNumber, step: Step, pushes: Vec<Position> },
    Bridged { app: AppNumber, push: Position, devices: Vec<DeviceNumber> },
    Texted { devices: usize },
}

impl Noted {
    pub fn of(command: &Command) -> Self {
        let about = match command {
            Command::Send(send) => About::Sent(match send.target {
                Target::User(_) => Chat::Single,
                Target::Group(_) | Target::GroupOf { .. } => Chat::Group,
                Target::Room(_) | Target::RoomOf { .. } => Chat::Room,
            }),
            Command::Push(PushCommand::Submit(submit)) if !submit.validate_only => {
                About::Pushed { app: submit.app, may_repeat: submit.cid.is_some() }
            }
            Command::Push(PushCommand::Received { app, device, pushes }) => {
                reported(*app, *device, Step::Received, pushes)
            }
            Command::Push(PushCommand::Clicked { app, device, pushes }) => {
                reported(*app, *device, Step::Clicked, pushes)
            }
            Command::Push(PushCommand::Reported { app, device, what, pushes }) => {
                let step = match what {
                    Reported::Shown | Reported::MessageShown => Step::Shown,
                    Reported::MessageClicked => Step::Clicked,
                };
                reported(*app, *device, step, pushes)
            }
            Command::Bridge(BridgeCommand::HandedOver { app, push, devices, .. }) => {
                About::Bridged { app: *app, push: *push, devices: devices.clone() }
            }
            Command::Bridge(BridgeCommand::Texted { devices, is_refused: false, .. }) => {
                About::Texted { devices: devices.len() }
            }
            _ => About::Nothing,
        };
        Self { kind: kind_of(command), about }
    }
}

impl Noted {
    /// Without what it is about.
    pub fn kind_only(command: &Command) -> Self {
        Self { kind: kind_of(command), about: About::Nothing }
    }
}

fn reported(app: AppNumber, device: DeviceNumber, step: Step, pushes: &[Position]) -> About {
    About::Reported { app, device, step, pushes: pushes.to_vec() }
}

impl Observer {
    /// The writer's queue had no room.
    pub fn refused_busy(&self, noted: &Noted) {
        self.carried(noted, Carried::Busy);
    }

    /// Called on the writer's thread: it must be quick. `at_ms` is the command's own time, `now_ms` that of the answer.
    pub fn answered(&self, noted: &Noted, result: &Result<Outcome, Unavailable>, at_ms: TimeMs, now_ms: TimeMs) {
        let outcome = match result {
            Ok(outcome) => outcome,
            Err(_) => return self.carried(noted, Carried::Failed),
        };
        match &outcome.answer {
            Ok(answer) => {
                self.carried(noted, Carried::Done);
                self.came_true(&noted.about, answer, outcome, at_ms, now_ms);
            }
            Err(refusal) => {
                self.carried(noted, Carried::Refused);
                self.metrics.refusals[family_of(refusal)].inc();
            }
        }
    }

    fn carried(&self, noted: &Noted, how: Carried) {
        self.metrics.commands[noted.kind][how as usize].inc();
    }

    fn came_true(&self, about: &About, answer: &Answer, outcome: &Outcome, at_ms: TimeMs, now_ms: TimeMs) {
        let metrics = &self.metrics;
        match (about, answer) {
            (About::Sent(chat), Answer::Sent { is_repeat: false, .. }) => {
                metrics.messages[*chat as usize].inc();
            }
            (About::Pushed { app, may_repeat }, Answer::Pushed { msg_id, targets, .. })
                if !(*may_repeat && outcome.appended.is_empty()) =>
            {
                metrics.pushes_accepted.inc();
                metrics.push_targets.inc_by(*targets);
                self.deliveries.accepted(*app, *msg_id, *targets, at_ms, now_ms);
            }
            (_, Answer::Fired(Some(firing))) if matches!(firing.result, FiringResult::Pushed { .. }) => {
                metrics.pushes_accepted.inc();
            }
            (About::Reported { app, device, step, pushes }, _) => {
                let counter = match step {
                    Step::Received => &metrics.pushes_received,
                    Step::Shown => &metrics.pushes_shown,
                    Step::Clicked => &metrics.pushes_clicked,
                    Step::Sent => &metrics.pushes_sent,
                    Step::Bridged => &metrics.pushes_bridged,
                };
                counter.inc_by(pushes.len() as u64);
                for push in pushes {
                    self.deliveries.note(*app, *push, *device, *step, at_ms);
                }
            }
            (About::Bridged { app, push, devices }, _) => {
                metrics.pushes_bridged.inc_by(devices.len() as u64);
                for device in devices {
                    self.deliveries.note(*app, *push, *device, Step::Bridged, at_ms);
                }
            }
            (About::Texted { devices }, _) => {
                metrics.pushes_texted.inc_by(*devices as u64);
            }
            _ => {}
        }
    }

    /// What a batch cost the writer.
    pub fn batch_done(&self, batch: BatchDone) {
        if !batch.is_stored {
            self.metrics.batches_failed.inc();
            return;
        }
        self.metrics.batch_commands.observe(batch.commands as f64);
        self.metrics.batch_seconds.observe(batch.took.as_secs_f64());
        self.metrics.commit_seconds.observe(batch.commit.as_secs_f64());
        self.slowest.note(batch.took, || format!("a batch of {} for the store", batch.commands));
    }

    /// A link was given a push.
    pub fn push_sent(&self, app: AppNumber, push: Position, device: DeviceNumber, now_ms: TimeMs) {
        self.metrics.pushes_sent.inc();
        self.deliveries.note(app, push, device, Step::Sent, now_ms);
    }
}

fn kind_of(command: &Command) -> usize {
    match command {
        Command::System(_) => 0,
        Command::App(_) => 1,
        Command::Device(_) => 2,
        Command::Label(_) => 3,
        Command::Account(_) => 4,
        Command::User(_) => 5,
        Command::People(_) => 6,
        Command::Group(_) => 7,
        Command::Send(_) => 8,
        Command::Amend(_) => 9,
        Command::Push(_) => 10,
        Command::Bridge(_) => 11,
        Command::Schedule(_) => 12,
        Command::File(_) => 13,
        Command::Segment(_) => 14,
        Command::Mark(_) => 15,
        Command::Told(_) => 16,
        Command::Media(_) => 17,
        Command::GroupOrder(_) => 18,
        Command::Room(_) => 19,
        Command::Word(_) => 20,
        Command::Import(_) => 21,
        Command::Data(_) => 22,
        Command::Operator(_) => 23,
    }
}

fn family_of(refusal: &Refusal) -> usize {
    use Refusal as R;
    match refusal {
        R::AppUnknown
        | R::AppNameTaken
        | R::AppKeyTaken
        | R::AccountNameTaken
        | R::AccountKeyTaken
        | R::AccountUnknown
        | R::TooManyAccounts
        | R::AppGroupFull
        | R::OtherAppUnknown
        | R::AppsNotLinked
        | R::OperatorExists
        | R::OperatorUnknown
        | R::LastOwner
        | R::SetUpOver
        | R::CertificateExists => 0,
        R::RegistrationIdTaken
        | R::RegistrationIdUnknown
        | R::DeviceUnknown
        | R::SegmentUnknown
        | R::TooManySegments
        | R::TooManyTags
        | R::NotATestDevice
        | R::TooManyTestDevices
        | R::AliasFull => 1,
        R::UserExists
        | R::UserUnknown { .. }
        | R::SenderUnknown
        | R::PasswordChanged
        | R::ErasureUnknown
        | R::RegistrationClosed
        | R::UserDisabled => 2,
        R::Blocked
        | R::AlreadySo { .. }
        | R::NotSo { .. }
        | R::TooManyRelations { .. }
        | R::AdminProtected { .. }
        | R::OneSelf => 3,
        R::GroupUnknown
        | R::NotAMember
        | R::NotTheOwner
        | R::AlreadyAMember { .. }
        | R::MemberUnknown { .. }
        | R::GroupFull
        | R::GroupQuotaFull { .. }
        | R::NotPermitted
        | R::Protected { .. }
        | R::TargetNotInGroup { .. }
        | R::Banned { .. }
        | R::BansFull
        | R::TooManyGroupAdmins
        | R::BadMaximum
        | R::Silenced
        | R::SilenceTime
        | R::AnnouncementTooLong
        | R::AnnouncementUnknown
        | R::AlreadyJoined { .. }
        | R::NotPublic
        | R::AskedAlready { .. }
        | R::JoinAnswered
        | R::JoinUnknown
        | R::TooManyJoinRequests => 4,
        R::AppServerRefused { .. }
        | R::OutboxTooOld
        | R::MessageUnknown
        | R::NotTheSender
        | R::AlreadyRetracted
        | R::TooLateToAmend
        | R::SensitiveWord { .. }
        | R::TooManyWords => 5,
        R::Room(_) => 6,
        R::NoTarget { .. }
        | R::NothingToPush
        | R::ScheduleUnknown
        | R::ScheduleOver
        | R::ScheduleChanged
        | R::AlreadyFired
        | R::TooManySchedules
        | R::PushUnknown
        | R::TooManySlowPushes
        | R::TooManyBroadcasts
        | R::CidExpired => 7,
        R::FileUnknown | R::TooManyFiles | R::MediaUnknown | R::MediaQuotaFull => 8,
        R::Internal => 9,
    }
}
