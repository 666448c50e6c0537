//! Numbers of things inside the store. Never reused, and never shown to a client.

use serde::{Deserialize, Serialize};

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $inner);
    };
}

number!(
    /// An app.
    AppNumber(u32)
);
number!(
    /// A user of an app; counted from 1 in each app.
    UserNumber(u32)
);
number!(
    /// A device of an app; counted from 0 in each app, so that bitmaps are dense.
    DeviceNumber(u32)
);
number!(
    /// A tag of an app; a deleted tag's number is retired.
    TagNumber(u32)
);
number!(
    /// A scheduled push; the position that was taken when it was made.
    ScheduleNumber(u64)
);
number!(
    /// A chain of the log; counted over the whole store.
    ChainNumber(u64)
);

number!(
    /// An uploaded file; the position that was taken when its upload began.
    FileNumber(u64)
);

macro_rules! uuid {
    ($(#[$doc:meta])* $name:ident($number:ident)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub [u8; 16]);

        impl $name {
            pub(crate) fn new(random: [u8; 8], number: $number) -> Self {
                Self(uuid(random, number.0))
            }

            pub(crate) fn number(self) -> $number {
                $number(number_in(self.0))
            }

            pub(crate) fn salt(self) -> [u8; 8] {
                let mut salt = [0; 8];
                salt.copy_from_slice(&self.0[..8]);
                salt
            }
        }
    };
}

uuid!(
    /// A scheduled push as its app server names it: a UUID of version 8, made of 60 random bits and its number.
    ScheduleId(ScheduleNumber)
);
uuid!(
    /// The same for an uploaded file.
    FileId(FileNumber)
);

fn uuid(random: [u8; 8], number: u64) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&random);
    bytes[8..].copy_from_slice(&number.to_be_bytes());
    // Version and variant. Positions stay below 2^53, so the topmost bits of the number are free.
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] |= 0x80;
    bytes
}

fn number_in(uuid: [u8; 16]) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&uuid[8..]);
    bytes[0] &= 0x3f;
    u64::from_be_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_a_schedule_is_a_uuid_of_version_8_that_holds_its_number() {
        let id = ScheduleId::new([0xff; 8], ScheduleNumber(0x12_3456));
        let hex: String = id.0.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "ffffffffffff8fff8000000000123456");
        assert_eq!(id.number(), ScheduleNumber(0x12_3456));
    }
}
