//! Faults planted on purpose, switched on one by one in test builds, each of which the simulator must find.
//!
//! Without the feature `planted` every question is answered "no" at compile time.

/// The planted faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Fault {
    /// The storage forgets that a repeated send was already accepted.
    NoDeduplication = 1,
    /// Outcomes are handed out before the commit.
    AnswerBeforeCommit,
    /// Recovery does not replay heads from the log's tail.
    NoHeadReplay,
    /// A record's `prev` names the record before the previous one.
    WrongPrev,
    /// The switchboard drops a live copy now and then without marking the session behind.
    LostLiveCopy,
    /// Membership windows are ignored when reading.
    WindowIgnored,
    /// The client moves its cursor over a gap.
    CursorOverGap,
    /// The client moves its cursor before the records are stored.
    CursorBeforeStore,
    /// A session takes its snapshot first and registers second.
    SnapshotBeforeRegister,
    /// Live records that the snapshot already held are delivered again as new.
    NoSnapshotSkip,
    /// The start does not jump ahead, so that positions are met twice after a lost tail.
    NoStartJump,
    /// The client forgets a hole when its link breaks.
    ForgottenHole,
    /// The client restarts its outbox numbers after a kill.
    OutboxRestart,
    /// A push release ignores the cursor's lower copy and is delivered twice.
    PushCursorIgnored,
    /// The audience of a broadcast is not looked at when the device reads it.
    BroadcastToEverybody,
    /// A session's user is looked up without its app.
    WallForgotten,
    /// A send that was refused for good counts as new when it is repeated, although later ones stand in its chat.
    Overtaking,
    /// After a passing refusal the session takes later sends to the same chat.
    NothingHeldBack,
    /// A mailbox that overflows tells its session nothing.
    OverflowForgotten,
    /// A window opens at the record before the event of the joining.
    WindowTooEarly,
    /// A push is released twice to the same device.
    ReleasedTwice,
    /// Pushes are handed out after they have expired.
    ExpiredDelivered,
    /// A restored backup does not jump further ahead than any other start.
    NoRestoreJump,
    /// A session token is still good after the logout.
    TokenOutlivesLogout,
    /// The client is told what became of a message and goes on showing what it has stored.
    AmendmentForgotten,
    /// What an app server changes is not told in the user's notices.
    NoticeUnwritten,
    /// A silence in a group does not end by itself.
    SilenceForever,
    /// A member who shields a group gets its messages when catching up.
    ShieldForgotten,
    /// What comes while a link reads a room's newest messages is not read afterwards.
    RoomGap,
    /// A message may be taken back at any time.
    RetractedTooLate,
    /// The writer goes on with the sensitive words of before.
    StaleWords,
    /// A transparent command to a user's other devices goes to all of their links, also the one that it came from.
    CommandComesBack,
    /// A message for those who are there is kept for those who are not.
    LiveOnlyKept,
    /// A login ends no other one of its kind.
    OlderSessionStays,
    /// Whom a user has blocked may write to them from devices.
    BlacklistIgnored,
    /// The links of a disabled user stay.
    BarredUserStays,
    /// A read mark moves, and its conversation does not count as changed for devices that are away.
    MarkUnnoticed,
}

#[cfg(feature = "planted")]
static ON: core::sync::atomic::AtomicU32 = core::sync::atomic::AtomicU32::new(0);

/// Switches one fault on, or all off.
#[cfg(feature = "planted")]
pub fn plant(fault: Option<Fault>) {
    ON.store(fault.map_or(0, |fault| fault as u32), core::sync::atomic::Ordering::SeqCst);
}

/// Is this fault switched on?
#[inline(always)]
pub fn is_planted(fault: Fault) -> bool {
    #[cfg(feature = "planted")]
    return ON.load(core::sync::atomic::Ordering::Relaxed) == fault as u32;
    #[cfg(not(feature = "planted"))]
    {
        let _ = fault;
        false
    }
}
