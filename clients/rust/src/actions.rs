use std::collections::HashMap;

use crate::text::clean;
use crate::v1::RecoveryAction;
use crate::v1::recovery_action::{Action, Actor};

const MAX_ACTIONS: usize = 5;
const MAX_LABEL: usize = 80;
const MAX_TEXT: usize = 256;
const MAX_LIST: usize = 25;

/// Keeps the actions that a reader shows, within the limits and with clean texts.
pub fn shown(actions: impl IntoIterator<Item = RecoveryAction>) -> Vec<RecoveryAction> {
    actions
        .into_iter()
        .filter(|action| match &action.action {
            Some(Action::OpenLink(link)) => link.url.starts_with("https://"),
            _ => true,
        })
        .take(MAX_ACTIONS)
        .map(tidy)
        .collect()
}

fn tidy(mut action: RecoveryAction) -> RecoveryAction {
    action.label = clean(&action.label, MAX_LABEL);
    action.actor = Actor::try_from(action.actor).unwrap_or_default().into();
    match &mut action.action {
        None | Some(Action::RetryAfter(_)) => {}
        Some(Action::Reauthenticate(a)) => list(&mut a.scopes),
        Some(Action::FixFields(a)) => {
            a.fixes.truncate(MAX_LIST);
            for fix in &mut a.fixes {
                text(&mut fix.field);
                text(&mut fix.reason);
                list(&mut fix.allowed_values);
                text(&mut fix.suggested_value);
            }
        }
        Some(Action::CallMethod(a)) => {
            text(&mut a.method);
            a.copy_fields = copies(&a.copy_fields);
        }
        Some(Action::Refresh(a)) => {
            text(&mut a.resource);
            text(&mut a.stale_field);
        }
        Some(Action::ReduceBatch(a)) => text(&mut a.field),
        Some(Action::WaitForQuota(a)) => text(&mut a.quota_id),
        Some(Action::RequestAccess(a)) => {
            list(&mut a.permissions);
            text(&mut a.resource);
        }
        Some(Action::PollOperation(a)) => text(&mut a.operation),
        Some(Action::RestartTransaction(a)) => text(&mut a.scope),
        Some(Action::UpgradeClient(a)) => text(&mut a.min_version),
        Some(Action::OpenLink(a)) => text(&mut a.url),
        Some(Action::ContactSupport(a)) => {
            text(&mut a.channel);
            text(&mut a.reference);
        }
        Some(Action::Custom(a)) => text(&mut a.type_url),
    }
    action
}

fn text(s: &mut String) {
    *s = clean(s, MAX_TEXT);
}

fn list(texts: &mut Vec<String>) {
    texts.truncate(MAX_LIST);
    texts.iter_mut().for_each(text);
}

/// In an order, for two keys may be the same once they are clean.
fn copies(fields: &HashMap<String, String>) -> HashMap<String, String> {
    let mut entries: Vec<_> = fields.iter().collect();
    entries.sort();
    entries
        .into_iter()
        .map(|(from, to)| (clean(from, MAX_TEXT), clean(to, MAX_TEXT)))
        .collect()
}
