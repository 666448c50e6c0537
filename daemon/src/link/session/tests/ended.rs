//! Users whose sessions end from outside.

use super::*;

#[test]
fn a_user_who_is_disabled_is_sent_away_with_the_reason() {
    let mut dialogue = Dialogue::live();
    let ended = |user| Input::UserEnded { user, code: ErrorCode::USER_DISABLED };
    dialogue.session.handle_input(ended(BOB), START);
    assert!(dialogue.hear().is_empty(), "somebody else, who was logged in before");
    dialogue.session.handle_input(ended(ALICE), START);
    let [ServerFrame::GoAway(go_away)] = &dialogue.hear()[..] else { panic!("the link goes on") };
    assert_eq!((go_away.code, go_away.retry_after_ms), (ErrorCode::USER_DISABLED, 0));
    assert!(dialogue.session.is_ended());
}

#[test]
fn a_login_that_was_ended_before_anybody_could_tell_it_ends_with_the_first_look() {
    let mut dialogue = Dialogue::greeted();
    dialogue.log_in_by_token(None);
    let (ticket, query) = dialogue.question();
    assert!(matches!(query, Query::PlanCatchUp { token_hash: Some(_), .. }));
    dialogue.answer(ticket, Answer::UserGone(ErrorCode::TOKEN_INVALID));
    let [ServerFrame::GoAway(go_away)] = &dialogue.hear()[..] else { panic!("the link goes on") };
    assert_eq!(go_away.code, ErrorCode::TOKEN_INVALID);
}

#[test]
fn a_disabled_user_does_not_get_in_and_the_link_goes_on() {
    let mut dialogue = Dialogue::greeted();
    dialogue.say(&login(CredentialKind::TOKEN, &TOKEN, None));
    let (ticket, _) = dialogue.question();
    dialogue.answer(ticket, Answer::UserGone(ErrorCode::USER_DISABLED));
    let [ServerFrame::Failed(failed)] = &dialogue.hear()[..] else { panic!("let in") };
    assert_eq!(failed.code, ErrorCode::USER_DISABLED);
    assert!(!dialogue.session.is_ended());
}
