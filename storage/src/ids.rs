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
    /// A chain of the log; counted over the whole store.
    ChainNumber(u64)
);
