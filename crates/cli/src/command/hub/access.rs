//! Logins, users, tokens and the audit log of a hub.

use super::client::{Client, keep_token};
use super::{runtime, show_list};
use crate::args::{HubAuditCommand, HubLoginArguments, HubTokenCommand, HubUserCommand};
use crate::command::scan::Context;
use crate::error::{CliError, reason};
use crate::output::error_line;
use crate::{CommandResult, output};
use jiff::SignedDuration;
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use sekisho_api::access::{
    AuditEntry, AuditVerdict, Hidden, NewPassword, NewSession, NewToken, NewUser, SessionMade, TokenEntry, TokenMade,
    UserEntry, UserMade,
};
use sekisho_api::endpoint;
use sekisho_base::clock::{Clock, SystemClock};
use sekisho_model::{Code, Exit};
use sekisho_report::printable;
use std::io::{BufRead as _, IsTerminal as _, Write as _};

/// Bytes of a line that is typed.
const LINE: u64 = 64 << 10;

pub(super) fn login(context: &Context, arguments: &HubLoginArguments) -> CommandResult {
    let settings = context.config.settings()?;
    let mut client = Client::new(&settings)?;
    let runtime = runtime()?;
    let name = arguments.user.clone();
    let password = secret(arguments.password_stdin, &format!("password of {name}"))?;
    // An old session that has ended says nothing of a new one.
    client.token.clear();
    let asked = NewSession { name: name.clone(), password: password.clone() };
    let mut made: SessionMade = runtime.block_on(client.tell(&endpoint::SESSION_ADD, &asked))?;
    if made.must_change {
        let new = secret(arguments.password_stdin, &format!("this password was for one login; the new one of {name}"))?;
        client.token.clone_from(&made.token.0);
        let change = NewPassword { present: password, new: new.clone() };
        runtime.block_on(client.tell::<()>(&endpoint::PASSWORD_PUT, &change))?;
        client.token.clear();
        let asked = NewSession { name: name.clone(), password: new };
        made = runtime.block_on(client.tell(&endpoint::SESSION_ADD, &asked))?;
    }
    keep_token(&settings.hub.token_file, &made.token.0)?;
    output::write(&format!("logged in as {} until {}\n", printable(&name), made.expires_at), None)?;
    Ok(Exit::Passed)
}

pub(super) fn logout(context: &Context) -> CommandResult {
    let settings = context.config.settings()?;
    let client = Client::new(&settings)?;
    runtime()?.block_on(client.send(&endpoint::SESSION_END, &[], &[], None))?;
    keep_token(&settings.hub.token_file, "")?;
    output::write("logged out\n", None)?;
    Ok(Exit::Passed)
}

pub(super) fn user(context: &Context, command: &HubUserCommand) -> CommandResult {
    match command {
        HubUserCommand::Add { name, role, robot } => {
            let new = NewUser { name: name.clone(), robot: *robot, roles: role.clone() };
            let client = Client::new(&context.config.settings()?)?;
            let made: UserMade = runtime()?.block_on(client.tell(&endpoint::USER_ADD, &new))?;
            error_line(&format!("added {} with the id {}", printable(&made.user.name), made.user.id));
            if let Some(password) = made.password {
                error_line("the password for one login is told now and never again:");
                output::write(&format!("{}\n", password.0), None)?;
            }
            Ok(Exit::Passed)
        }
        HubUserCommand::List(shown) => show_list::<UserEntry>(context, &endpoint::USER_LIST, &[], &[], shown),
        HubUserCommand::Delete { id } => forget(context, &endpoint::USER_DELETE, id),
    }
}

pub(super) fn token(context: &Context, command: &HubTokenCommand) -> CommandResult {
    match command {
        HubTokenCommand::Add { name, role, owner, days } => {
            let hold = SignedDuration::from_hours(24 * i64::from(*days));
            let now = SystemClock.now();
            let new = NewToken {
                name: name.clone(),
                owner: owner.clone(),
                roles: role.clone(),
                scope: None,
                expires_at: now.saturating_add(hold).unwrap_or(now),
            };
            let client = Client::new(&context.config.settings()?)?;
            let made: TokenMade = runtime()?.block_on(client.tell(&endpoint::TOKEN_ADD, &new))?;
            let (id, until) = (&made.entry.id, made.entry.expires_at);
            error_line(&format!("made the token {id}, which holds until {until}; it is told now and never again:"));
            output::write(&format!("{}\n", made.token.0), None)?;
            Ok(Exit::Passed)
        }
        HubTokenCommand::List(shown) => show_list::<TokenEntry>(context, &endpoint::TOKEN_LIST, &[], &[], shown),
        HubTokenCommand::Revoke { id } => forget(context, &endpoint::TOKEN_REVOKE, id),
    }
}

fn forget(context: &Context, endpoint: &endpoint::Endpoint, id: &str) -> CommandResult {
    let client = Client::new(&context.config.settings()?)?;
    runtime()?.block_on(client.send(endpoint, &[id], &[], None))?;
    output::write("done\n", None)?;
    Ok(Exit::Passed)
}

pub(super) fn audit(context: &Context, command: &HubAuditCommand) -> CommandResult {
    match command {
        HubAuditCommand::List(shown) => show_list::<AuditEntry>(context, &endpoint::AUDIT_LIST, &[], &[], shown),
        HubAuditCommand::Verify => {
            let client = Client::new(&context.config.settings()?)?;
            let verdict: AuditVerdict = runtime()?.block_on(client.ask(&endpoint::AUDIT_VERIFY, &[], &[]))?;
            let entries =
                if verdict.intact == 1 { "1 entry".to_owned() } else { format!("{} entries", verdict.intact) };
            output::write(&format!("{entries} as they were written; the last has the hash {}\n", verdict.hash), None)?;
            let Some(broken) = verdict.broken else { return Ok(Exit::Passed) };
            error_line(&format!("the audit log was changed: {}", printable(&broken)));
            Ok(Exit::Refused)
        }
    }
}

/// A line that nobody is to read: typed where somebody sits there, else of standard input.
fn secret(piped: bool, what: &str) -> Result<Hidden, CliError> {
    let stdin = std::io::stdin();
    let unreadable = |error: &std::io::Error| {
        CliError::new(Code::InputUnreadable, format!("cannot read the {what}: {}", reason(error)))
    };
    let is_typed = !piped && stdin.is_terminal();
    if !piped && !is_typed {
        let message = format!("cannot ask for the {what}: standard input is no terminal");
        return Err(CliError::new(Code::UsageInvalid, message).hint("pipe it in with --password-stdin"));
    }
    let before = if is_typed { tcgetattr(&stdin).ok() } else { None };
    if is_typed {
        let _ = write!(std::io::stderr(), "{what}: ");
        if let Some(mut silent) = before.clone() {
            silent.local_modes.remove(LocalModes::ECHO);
            let _ = tcsetattr(&stdin, OptionalActions::Flush, &silent);
        }
    }
    let mut line = String::new();
    let read = std::io::Read::take(stdin.lock(), LINE).read_line(&mut line);
    if let Some(before) = before {
        let _ = tcsetattr(&stdin, OptionalActions::Flush, &before);
        let _ = writeln!(std::io::stderr());
    }
    read.map_err(|error| unreadable(&error))?;
    let text = line.trim_end_matches(['\n', '\r']);
    if text.is_empty() {
        return Err(CliError::new(Code::InputMalformed, format!("the {what} is empty")));
    }
    Ok(Hidden(text.to_owned()))
}
