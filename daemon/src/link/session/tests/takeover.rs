//! Users who log in one after the other on the link of one device.

use super::*;

#[test]
fn a_catch_up_that_is_still_planned_for_one_user_is_not_told_to_the_next() {
    let mut dialogue = Dialogue::greeted();
    dialogue.log_in_by_token(None);
    let (of_the_first, query) = dialogue.question();
    assert!(matches!(query, Query::PlanCatchUp { .. }));
    let of_the_second = take_over(&mut dialogue);
    dialogue.answer(of_the_first, planned(500, 1));
    assert!(dialogue.hear().is_empty() && dialogue.session.next_action().is_none());
    dialogue.answer(of_the_second, planned(500, 0));
    let [ServerFrame::CatchUp(part)] = &dialogue.hear()[..] else { panic!("the second user's catch-up") };
    assert_eq!((part.after, part.to, part.is_last), (Position(0), Position(500), true));
}

#[test]
fn a_part_that_is_still_read_for_one_user_is_not_told_to_the_next() {
    let mut dialogue = Dialogue::greeted();
    dialogue.log_in_by_token(None);
    let (plan, _) = dialogue.question();
    dialogue.answer(plan, planned(500, 1));
    let (of_the_first, query) = dialogue.question();
    assert!(matches!(query, Query::CatchUp { .. }));
    let of_the_second = take_over(&mut dialogue);
    dialogue.answer(of_the_first, Answer::CatchUp { rows: vec![conversation()], read: 1 });
    assert!(dialogue.hear().is_empty(), "the first user's conversations");
    dialogue.answer(of_the_second, planned(500, 0));
    let [ServerFrame::CatchUp(part)] = &dialogue.hear()[..] else { panic!("the second user's catch-up") };
    assert!(part.is_last && part.conversations.is_empty());
}

/// Logs in as somebody else, and answers up to the question for their catch-up.
fn take_over(dialogue: &mut Dialogue) -> Ticket {
    dialogue.say(&login(CredentialKind::TOKEN, &TOKEN, None));
    assert!(matches!(dialogue.session.next_action(), Some(Action::DetachUser { app: APP, user: ALICE })));
    let (ticket, _) = dialogue.question();
    let token = KnownToken { user: BOB, device: DEVICE, expires_ms: START + Rules::default().token_ms };
    let user = LoginUser { number: BOB, password: "hash".into(), token: Some(token) };
    dialogue.answer(ticket, Answer::LogIn(Some(user)));
    assert!(matches!(dialogue.hear()[..], [ServerFrame::LoggedIn(_)]));
    assert!(matches!(dialogue.session.next_action(), Some(Action::AttachUser { app: APP, user: BOB })));
    let (ticket, query) = dialogue.question();
    assert!(matches!(query, Query::PlanCatchUp { user: BOB, .. }));
    ticket
}

#[test]
fn a_device_that_made_room_for_another_while_it_was_away_is_told_so() {
    for (gave_way, code) in [(true, ErrorCode::LOGGED_IN_ELSEWHERE), (false, ErrorCode::TOKEN_INVALID)] {
        let mut dialogue = Dialogue::greeted();
        let logins = Logins { phones: 1, ..Logins::default() };
        dialogue.session.rules = Arc::new(Rules { logins, ..Rules::default() });
        dialogue.say(&login(CredentialKind::TOKEN, &TOKEN, None));
        let (ticket, _) = dialogue.question();
        let user = LoginUser { number: ALICE, password: "stored".into(), token: None };
        dialogue.answer(ticket, Answer::LogIn(Some(user)));
        let (ticket, query) = dialogue.question();
        assert!(matches!(query, Query::GaveWay { app: APP, user: ALICE, device: DEVICE }), "{query:?}");
        dialogue.answer(ticket, Answer::GaveWay(gave_way));
        assert_eq!(codes(&dialogue.hear()), [(1, code)]);
        assert!(!dialogue.session.is_ended());
    }
}
