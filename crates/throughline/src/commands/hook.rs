//! `throughline hook add`, `list`, `rotate` and `delete`: signed addresses to which sources post.
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Subcommand;
use throughline_adapters::built_in;
use throughline_proto::{
    ingestion::v1::{
        CreateInboundHookRequest, DeleteInboundHookRequest, InboundHook, ListInboundHooksRequest,
        RotateInboundHookSecretRequest, hook_service_client::HookServiceClient,
    },
    time::from_wire,
};

use crate::{
    Connection,
    client::Server,
    output::{Format, Output, json_line, last_segment, table},
};

/// Bodies that hold CloudEvents need no profile of rows.
const CANONICAL: &str = "canonical";
/// Largest file that is taken for a profile, bytes.
const LARGEST: u64 = 64 * 1024;

/// Add, list, rotate or delete hooks.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    output: Output,
}

#[derive(Subcommand)]
enum Action {
    /// Add a hook. Its secret is shown this once.
    Add {
        /// `canonical`, a built-in source profile, or a YAML file.
        #[arg(long)]
        profile: String,
        /// The rooftop that everything posted there is of; absent: each event or row says so.
        #[arg(long)]
        rooftop: Option<String>,
        /// With `canonical`, the sources that events may have: one, or a prefix that ends in *.
        #[arg(long)]
        source: Option<String>,
        /// Label for people.
        #[arg(long, default_value = "")]
        name: String,
    },
    /// List the hooks, without secrets.
    List,
    /// Give a hook another secret; the present one is accepted for 24 hours more.
    Rotate {
        /// Its id.
        hook: String,
        /// Accept the present secret no more: it has leaked.
        #[arg(long)]
        revoke_present: bool,
    },
    /// Remove a hook.
    Delete {
        /// Its id.
        hook: String,
    },
}

pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let connection = Connection::open(&arguments.server).await?;
    let mut hooks = HookServiceClient::new(connection.channel.clone());
    let name = |id: &str| format!("{}/inboundHooks/{}", connection.parent, last_segment(id));
    let request_id = uuid::Uuid::new_v4().to_string();
    match arguments.action {
        Action::Add { profile, rooftop, source, name } => {
            let (profile, profile_yaml) = read(&profile)?;
            let hook = InboundHook {
                display_name: name,
                rooftop: rooftop.unwrap_or_default(),
                profile,
                profile_yaml,
                source: source.unwrap_or_default(),
                ..InboundHook::default()
            };
            let request = CreateInboundHookRequest {
                parent: connection.parent.clone(),
                inbound_hook: Some(hook),
                request_id,
                actor: String::new(),
            };
            let made = hooks.create_inbound_hook(request).await?.into_inner();
            show(&made.inbound_hook.unwrap_or_default(), &made.signing_secret, arguments.output.format)
        }
        Action::List => print(&list(&connection).await?, arguments.output.format),
        Action::Rotate { hook, revoke_present } => {
            let request =
                RotateInboundHookSecretRequest { name: name(&hook), revoke_present, request_id, actor: String::new() };
            let rotated = hooks.rotate_inbound_hook_secret(request).await?.into_inner();
            show(&rotated.inbound_hook.unwrap_or_default(), &rotated.signing_secret, arguments.output.format)
        }
        Action::Delete { hook } => {
            let request = DeleteInboundHookRequest { name: name(&hook), actor: String::new() };
            hooks.delete_inbound_hook(request).await?;
            eprintln!("hook {} is gone", last_segment(&hook));
            Ok(())
        }
    }
}

/// The name of a profile, and its text if it is a file.
fn read(named: &str) -> anyhow::Result<(String, String)> {
    if named == CANONICAL || built_in(named).is_some() {
        return Ok((named.to_owned(), String::new()));
    }
    let path: PathBuf = Path::new(named).to_owned();
    let known = || format!("profile {named}: neither `canonical`, nor built in, nor a file that can be read");
    let size = path.metadata().with_context(known)?.len();
    anyhow::ensure!(size <= LARGEST, "profile {named}: larger than {LARGEST} bytes");
    Ok((String::new(), std::fs::read_to_string(&path).with_context(known)?))
}

async fn list(connection: &Connection) -> anyhow::Result<Vec<InboundHook>> {
    let mut hooks = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListInboundHooksRequest { parent: connection.parent.clone(), page_size: 500, page_token };
        let page = HookServiceClient::new(connection.channel.clone()).list_inbound_hooks(request).await?.into_inner();
        hooks.extend(page.inbound_hooks);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok(hooks);
        }
    }
}

fn json(hook: &InboundHook) -> serde_json::Value {
    let instant = |at: &Option<prost_types::Timestamp>| at.as_ref().and_then(from_wire).map(|at| at.to_string());
    serde_json::json!({
        "hook": last_segment(&hook.name), "name": hook.name, "display_name": hook.display_name, "path": hook.path,
        "rooftop": hook.rooftop, "profile": hook.profile, "source": hook.source,
        "created_at": instant(&hook.create_time), "rotated_at": instant(&hook.rotate_time),
        "former_secret_expires_at": instant(&hook.former_secret_expire_time),
    })
}

/// A hook with the secret that is shown this once.
fn show(hook: &InboundHook, secret: &str, format: Format) -> anyhow::Result<()> {
    match format {
        Format::Json => {
            let mut line = json(hook);
            line["secret"] = secret.into();
            json_line(&line)
        }
        Format::Table => {
            print(std::slice::from_ref(hook), format)?;
            say!("secret {secret}");
            eprintln!("the secret is not shown again; what it signs goes to {} on the suite's HTTP port", hook.path);
            Ok(())
        }
    }
}

fn print(hooks: &[InboundHook], format: Format) -> anyhow::Result<()> {
    match format {
        Format::Json => hooks.iter().try_for_each(|hook| json_line(&json(hook))),
        Format::Table => {
            let rows = hooks.iter().map(|hook| {
                let rooftop = if hook.rooftop.is_empty() { "(each says)" } else { hook.rooftop.as_str() };
                vec![
                    last_segment(&hook.name).to_owned(),
                    rooftop.to_owned(),
                    hook.profile.clone(),
                    hook.source.clone(),
                    hook.display_name.clone(),
                ]
            });
            table(
                &["hook", "rooftop", "profile", "source", "label"],
                rows.collect(),
                "no hooks yet: add one with `throughline hook add --profile PROFILE`",
            );
            Ok(())
        }
    }
}
