//! Who gets a transparent command.

use anser_protocol::content::Platform;
use anser_protocol::error::ErrorCode;
use anser_protocol::names::split_guest;
use anser_storage::ids::{AppNumber, DeviceNumber, UserNumber};
use anser_storage::{ReadError, Snapshot};

use super::{CommandFor, CommandReceivers};

/// A user who has blocked the sender gets none, as with messages. Members who shield the group get none of it either.
pub fn receivers(
    snapshot: &Snapshot,
    app: AppNumber,
    (user, device): (UserNumber, DeviceNumber),
    to: CommandFor,
) -> Result<Result<CommandReceivers, ErrorCode>, ReadError> {
    Ok(match to {
        CommandFor::User(name) if split_guest(&name).is_some() => match snapshot.linked_person(app, user, &name)? {
            None => Err(ErrorCode::COMMAND_USER_UNKNOWN),
            Some(person) if person.has_blocked => Err(ErrorCode::SEND_BLOCKED),
            Some(person) => Ok(CommandReceivers::Elsewhere(person)),
        },
        CommandFor::User(name) => match snapshot.user_by_name(app, &name)? {
            None => Err(ErrorCode::COMMAND_USER_UNKNOWN),
            Some((to, _)) if snapshot.has_blocked(app, to, user)? => Err(ErrorCode::SEND_BLOCKED),
            Some((to, _)) => Ok(CommandReceivers::Users(vec![to])),
        },
        CommandFor::Group(group) => {
            if snapshot.group(app, group)?.is_none() {
                return Ok(Err(ErrorCode::COMMAND_GROUP_UNKNOWN));
            }
            let mut members = snapshot.members_sorted(app, group)?;
            if members.binary_search(&user).is_err() {
                return Ok(Err(ErrorCode::COMMAND_NOT_A_MEMBER));
            }
            members.retain(|member| *member != user);
            Ok(CommandReceivers::Users(snapshot.without_shielded(app, group, members)?))
        }
        CommandFor::OwnDevices(platform) => {
            let mut devices = Vec::new();
            for own in snapshot.devices_of_user(app, user)? {
                let is_meant = platform == Platform::OTHER
                    || snapshot.device(app, own)?.is_some_and(|known| known.platform == platform);
                if own != device && is_meant {
                    devices.push(own);
                }
            }
            Ok(CommandReceivers::Devices(user, devices))
        }
    })
}
