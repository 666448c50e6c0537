//! Users and admins: registering and showing.

use anser_storage::command::{Command, NewUser, UserCommand};
use anser_storage::ids::UserNumber;
use anser_storage::outcome::{Answer, Refusal};
use anser_storage::{UserClass, UserPage};
use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::http::{Response, StatusCode, Uri};
use serde_json::{Value, json};

use super::page::Page;
use super::refusal::{self, of_im};
use super::{field, invalid, view};
use crate::context::{Context, Shared};
use crate::password::Upgrade;
use crate::rest::access::Caller;
use crate::rest::body;
use crate::rest::family::Family;
use crate::rest::fault::{Fault, json_response};
use crate::rest::lenient::{as_name, member};
use crate::rest::segment::Segment;

const USERS_PER_CALL_MAX: usize = 500;
const USERS_PER_PAGE_MAX: usize = 500;

/// What is registered: users who chat, or admins who may send for the app.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    User,
    Admin,
}

/// `POST /v1/users`
pub async fn register_users(
    context: State<Shared>,
    caller: Extension<Caller>,
    request: Request,
) -> Result<Response<Body>, Fault> {
    let body = body::json(Family::Im, request).await?;
    let Value::Array(items) = body else { return Err(invalid("an array of users is expected")) };
    register_each(&context, &caller, &items, Role::User).await
}

/// `POST /v1/admins`
pub async fn register_admin(
    context: State<Shared>,
    caller: Extension<Caller>,
    request: Request,
) -> Result<Response<Body>, Fault> {
    let body = body::json(Family::Im, request).await?;
    let item = match &body {
        Value::Array(items) if items.len() == 1 => &items[0],
        Value::Array(items) => return register_each(&context, &caller, items, Role::Admin).await,
        one => one,
    };
    register(&context, &caller, std::slice::from_ref(item), Role::Admin).await?.remove(0)?;
    Ok(super::empty(StatusCode::CREATED))
}

/// Answers item by item. Nobody registered means that the call failed, with the status of the first item's failure.
async fn register_each(
    context: &Context,
    caller: &Caller,
    items: &[Value],
    role: Role,
) -> Result<Response<Body>, Fault> {
    if items.is_empty() {
        return Err(invalid("the array of users is empty"));
    }
    if items.len() > USERS_PER_CALL_MAX {
        return Err(refusal::too_many_users());
    }
    let results = register(context, caller, items, role).await?;
    let status = match results.iter().any(Result::is_ok) {
        true => StatusCode::CREATED,
        false => {
            results.iter().find_map(|result| result.as_ref().err()).map_or(StatusCode::CREATED, |fault| fault.status)
        }
    };
    let rows = items.iter().zip(&results).map(|(item, result)| row(item, result)).collect();
    Ok(json_response(status, &Value::Array(rows)))
}

fn row(item: &Value, result: &Result<(), Fault>) -> Value {
    let username = item.as_object().and_then(|item| member(item, "username")).and_then(as_name).unwrap_or_default();
    let mut row = json!({"username": username});
    if let Err(fault) = result {
        row["error"] = json!({"code": fault.code, "message": fault.message});
    }
    row
}

/// One result for each item, in their order.
async fn register(
    context: &Context,
    caller: &Caller,
    items: &[Value],
    role: Role,
) -> Result<Vec<Result<(), Fault>>, Fault> {
    let parsed: Vec<Result<Applicant, Fault>> =
        items.iter().map(|item| Applicant::parse(context, item, role)).collect();
    let users: Vec<NewUser> = parsed.iter().flatten().map(|applicant| applicant.user.clone()).collect();
    let mut answers = store(context, caller, users).await?.into_iter();
    let mut results = Vec::with_capacity(items.len());
    for parsed in parsed {
        results.push(match parsed {
            Err(fault) => Err(fault),
            Ok(applicant) => match answers.next() {
                Some(Ok(user)) => {
                    context.upgrades.add(applicant.upgrade(caller, user));
                    Ok(())
                }
                Some(Err(refusal)) => Err(of_im(refusal)),
                None => Err(Family::Im.internal()),
            },
        });
    }
    Ok(results)
}

async fn store(
    context: &Context,
    caller: &Caller,
    users: Vec<NewUser>,
) -> Result<Vec<Result<UserNumber, Refusal>>, Fault> {
    if users.is_empty() {
        return Ok(Vec::new());
    }
    let command = Command::User(UserCommand::Register { app: caller.app, users });
    let outcome = context.ledger.submit(command).await.map_err(|error| Family::Im.unavailable(&error))?;
    match outcome.answer.map_err(of_im)? {
        Answer::Users(users) => Ok(users),
        _ => Err(Family::Im.internal()),
    }
}

/// A user to be registered, with the password until its slow hash is made.
struct Applicant {
    user: NewUser,
    password: String,
}

impl Applicant {
    fn parse(context: &Context, item: &Value, role: Role) -> Result<Self, Fault> {
        let item = field::object(item)?;
        let username = field::name(item, "username", &context.config.users)?;
        let password = field::password(item, "password")?;
        let user = NewUser {
            username,
            password: context.passwords.hash_quick(&password),
            is_admin: role == Role::Admin,
            profile: field::profile(item)?,
        };
        Ok(Self { user, password })
    }

    fn upgrade(self, caller: &Caller, user: UserNumber) -> Upgrade {
        Upgrade { app: caller.app, user, password: self.password, quick: self.user.password }
    }
}

/// `GET /v1/users`
pub async fn list_users(context: State<Shared>, caller: Extension<Caller>, uri: Uri) -> Result<Response<Body>, Fault> {
    list(&context, &caller, UserClass::User, &uri).await
}

/// `GET /v1/admins`
pub async fn list_admins(context: State<Shared>, caller: Extension<Caller>, uri: Uri) -> Result<Response<Body>, Fault> {
    list(&context, &caller, UserClass::Admin, &uri).await
}

async fn list(context: &Context, caller: &Caller, class: UserClass, uri: &Uri) -> Result<Response<Body>, Fault> {
    let Page { start, count } = Page::parse(uri, USERS_PER_PAGE_MAX)?;
    let app = caller.app;
    let found = context.ledger.read(move |snapshot| snapshot.user_page(app, class, start, count)).await;
    let UserPage { total, users } = found.map_err(|error| Family::Im.unavailable(&error))?;
    let rows: Vec<Value> = users.iter().map(|user| view::user(user, context.config.time_zone)).collect();
    let shown = json!({"total": total, "start": start, "count": rows.len(), "users": rows});
    Ok(json_response(StatusCode::OK, &shown))
}

/// `GET /v1/users/{username}`
pub async fn show_user(
    context: State<Shared>,
    caller: Extension<Caller>,
    Segment(username): Segment,
) -> Result<Response<Body>, Fault> {
    field::path_name(&username, &context.config.users)?;
    let (app, asked) = (caller.app, username.clone());
    let found = context.ledger.read(move |snapshot| snapshot.user_by_name(app, &asked)).await;
    match found.map_err(|error| Family::Im.unavailable(&error))? {
        Some((_, user)) => Ok(json_response(StatusCode::OK, &view::user(&user, context.config.time_zone))),
        None => Err(refusal::no_such_user(&username)),
    }
}
