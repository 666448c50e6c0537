//! App groups and developers.

use serde::Deserialize;
use serde_json::json;

use super::call::{Answer, Answered, Call};
use crate::admin::Request;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    name: String,
}

/// `GET /app-groups`
pub async fn list_groups(call: Call) -> Answered {
    Ok(json!({"app_groups": call.ask_plain(Request::AppGroupList).await?}).into())
}

/// `POST /app-groups`
pub async fn create_group(call: Call) -> Answered {
    let Named { name } = call.parsed()?;
    Ok(Answer::from(call.ask_plain(Request::AppGroupCreate { name: name.clone() }).await?).on(name))
}

/// `GET /app-groups/{group_key}`
pub async fn show_group(call: Call) -> Answered {
    Ok(call.ask_plain(Request::AppGroupShow { group: call.name(0)? }).await?.into())
}

/// `DELETE /app-groups/{group_key}`
pub async fn delete_group(call: Call) -> Answered {
    Ok(call.ask_plain(Request::AppGroupDelete { group: call.name(0)? }).await?.into())
}

/// `PUT /app-groups/{group_key}/apps/{app_key}`
pub async fn add_to_group(call: Call) -> Answered {
    Ok(call.ask_plain(Request::AppGroupAdd { group: call.name(0)?, app: call.name(1)? }).await?.into())
}

/// `DELETE /app-groups/{group_key}/apps/{app_key}`
pub async fn remove_from_group(call: Call) -> Answered {
    Ok(call.ask_plain(Request::AppGroupRemove { group: call.name(0)?, app: call.name(1)? }).await?.into())
}

/// `GET /developers`
pub async fn list_developers(call: Call) -> Answered {
    Ok(json!({"developers": call.ask_plain(Request::DeveloperList).await?}).into())
}

/// `POST /developers`
pub async fn create_developer(call: Call) -> Answered {
    let Named { name } = call.parsed()?;
    Ok(Answer::from(call.ask_plain(Request::DeveloperCreate { name: name.clone() }).await?).on(name))
}

/// `DELETE /developers/{developer_key}`
pub async fn delete_developer(call: Call) -> Answered {
    Ok(call.ask_plain(Request::DeveloperDelete { developer: call.name(0)? }).await?.into())
}
