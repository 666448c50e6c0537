//! Whose share of the writer a command uses, and in which queue it waits.

use super::*;

/// The writer's queue classes, served in turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum QueueClass {
    Send,
    Rest,
    Job,
}

impl Command {
    /// The app whose share of the writer this uses; nothing for the daemon's own.
    pub fn app(&self) -> Option<AppNumber> {
        match self {
            Self::System(SystemCommand::CutPresence { app } | SystemCommand::SetDormant { app, .. }) => Some(*app),
            Self::System(_) | Self::Account(_) | Self::Operator(_) | Self::App(AppCommand::Create { .. }) => None,
            Self::App(
                AppCommand::RotateSecret { app, .. }
                | AppCommand::Delete { app }
                | AppCommand::ChangeAccess { app, .. }
                | AppCommand::Rename { app, .. }
                | AppCommand::SetPushCertificate { app, .. }
                | AppCommand::RemovePushCertificate { app, .. },
            ) => Some(*app),
            Self::Device(
                DeviceCommand::Register { app, .. }
                | DeviceCommand::Adopt { app, .. }
                | DeviceCommand::SetTags { app, .. }
                | DeviceCommand::ChangeTags { app, .. }
                | DeviceCommand::SetAlias { app, .. }
                | DeviceCommand::Update { app, .. }
                | DeviceCommand::SetTraits { app, .. },
            ) => Some(*app),
            Self::Label(
                LabelCommand::ChangeTag { app, .. }
                | LabelCommand::DeleteTag { app, .. }
                | LabelCommand::DeleteTagOn { app, .. }
                | LabelCommand::ClearTags { app }
                | LabelCommand::UnbindAlias { app, .. }
                | LabelCommand::DeleteAlias { app, .. }
                | LabelCommand::SetTestDevice { app, .. }
                | LabelCommand::RemoveTestDevice { app, .. },
            ) => Some(*app),
            Self::User(
                UserCommand::Register { app, .. }
                | UserCommand::LogIn { app, .. }
                | UserCommand::LogOut { app, .. }
                | UserCommand::UpgradePassword { app, .. },
            ) => Some(*app),
            Self::Group(command) => Some(command.app()),
            Self::GroupOrder(order) => Some(order.app),
            Self::Send(send) => Some(send.app),
            Self::Amend(amend) => Some(amend.app),
            Self::Push(PushCommand::Submit(submit)) => Some(submit.app),
            Self::Push(
                PushCommand::Received { app, .. }
                | PushCommand::Clicked { app, .. }
                | PushCommand::Reported { app, .. }
                | PushCommand::Withdraw { app, .. }
                | PushCommand::ReleaseSlice { app, .. },
            ) => Some(*app),
            Self::Bridge(command) => Some(command.app()),
            Self::Mark(
                MarkCommand::ChatCursor { app, .. }
                | MarkCommand::PushCursor { app, .. }
                | MarkCommand::Present { app, .. }
                | MarkCommand::Active { app, .. }
                | MarkCommand::Used { app, .. }
                | MarkCommand::Reached { app, .. }
                | MarkCommand::LoggedIn { app, .. }
                | MarkCommand::Read { app, .. }
                | MarkCommand::ReadMessages { app, .. },
            ) => Some(*app),
            Self::Segment(SegmentCommand::Create { app, .. } | SegmentCommand::Delete { app, .. }) => Some(*app),
            Self::Schedule(ScheduleCommand::Create(new)) => Some(new.app),
            Self::Schedule(ScheduleCommand::Update { app, .. } | ScheduleCommand::Delete { app, .. }) => Some(*app),
            Self::Schedule(ScheduleCommand::Fire(fire)) => Some(fire.app),
            Self::File(command) => command.app(),
            Self::Media(command) => Some(command.app()),
            Self::People(command) => Some(command.app()),
            Self::Told(command) => Some(command.app()),
            Self::Room(command) => Some(command.app()),
            Self::Word(command) => Some(command.app()),
            Self::Import(command) => Some(command.app()),
            Self::Data(command) => Some(command.app()),
        }
    }

    pub fn queue_class(&self) -> QueueClass {
        match self {
            Self::Send(_) => QueueClass::Send,
            // A person waits for what they read to show on their other devices.
            Self::Mark(MarkCommand::Read { .. } | MarkCommand::ReadMessages { .. }) => QueueClass::Rest,
            Self::Mark(_)
            | Self::Push(
                PushCommand::Received { .. }
                | PushCommand::Clicked { .. }
                | PushCommand::Reported { .. }
                | PushCommand::ReleaseSlice { .. },
            )
            | Self::Label(LabelCommand::ClearTags { .. })
            | Self::People(PeopleCommand::ClearDeparted { .. })
            | Self::Room(RoomCommand::ClearDeleted { .. })
            | Self::Bridge(
                BridgeCommand::DropToken { .. }
                | BridgeCommand::CountBadges { .. }
                | BridgeCommand::HandedOver { .. }
                | BridgeCommand::CallbacksTold { .. }
                | BridgeCommand::Texted { .. }
                | BridgeCommand::FollowedUp { .. }
                | BridgeCommand::NoteUnreceived { .. }
                | BridgeCommand::Advance { .. },
            )
            | Self::Media(MediaCommand::Sweep { .. })
            | Self::Data(
                DataCommand::EraseRecords { .. }
                | DataCommand::EraseNextClass { .. }
                | DataCommand::EraseMedia { .. }
                | DataCommand::EndErasure { .. },
            )
            | Self::Device(DeviceCommand::SetTraits { .. })
            | Self::Told(_)
            | Self::System(_) => QueueClass::Job,
            _ => QueueClass::Rest,
        }
    }
}
