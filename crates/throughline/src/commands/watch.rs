//! `throughline watch`: the live board in the terminal.
use std::{
    io::{IsTerminal as _, Write as _, stdout},
    pin::pin,
    time::Duration,
};

use crossterm::{
    cursor, event, execute, queue,
    style::Print,
    terminal::{self, ClearType},
};
use throughline_proto::{
    deal::v1::{WatchBoardRequest, deal_service_client::DealServiceClient},
    rule::v1::{WatchFlagsRequest, rule_service_client::RuleServiceClient},
};
use tokio::sync::mpsc;

use crate::{
    Connection,
    client::Server,
    commands::board,
    live::{self, Standing},
    view::Board,
};

/// How often the screen is drawn at most.
const REDRAW: Duration = Duration::from_millis(500);
/// Responses that wait to be taken in; the stream waits with more.
const MAX_WAITING: usize = 16;
/// How long to wait before a broken stream is opened again.
const RECONNECT: Duration = Duration::from_secs(2);

/// Watch the live board.
#[derive(clap::Args)]
pub struct Arguments {
    /// Only these rooftops.
    #[arg(long)]
    rooftop: Vec<String>,
    #[command(flatten)]
    server: Server,
}

/// Gives the terminal back however the watch ends.
struct Screen;

impl Screen {
    fn open() -> anyhow::Result<Self> {
        terminal::enable_raw_mode()?;
        execute!(stdout(), terminal::EnterAlternateScreen, cursor::Hide)?;
        Ok(Self)
    }

    fn draw(&self, text: &str) -> anyhow::Result<()> {
        let (_, height) = terminal::size()?;
        let mut out = stdout().lock();
        queue!(out, cursor::MoveTo(0, 0))?;
        for line in text.lines().take(usize::from(height).saturating_sub(1)) {
            queue!(out, Print(line), terminal::Clear(ClearType::UntilNewLine), Print("\r\n"))?;
        }
        queue!(out, terminal::Clear(ClearType::FromCursorDown))?;
        out.flush()?;
        Ok(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = execute!(stdout(), cursor::Show, terminal::LeaveAlternateScreen);
        let _ = terminal::disable_raw_mode();
    }
}

pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    anyhow::ensure!(
        stdout().is_terminal(),
        "watch draws on a terminal; for a program, use `throughline board --format json` or the WatchBoard and WatchFlags \
         calls"
    );
    let connection = Connection::open(&arguments.server).await?;
    let zones = board::zones(&connection).await?;
    let screen = Screen::open()?;
    let (mut board, mut standing) = (Board::default(), Standing::default());
    let (send_board, mut boards) = mpsc::channel(MAX_WAITING);
    let (send_flags, mut flags) = mpsc::channel(MAX_WAITING);
    // Both go on for as long as the screen is drawn, and end with it.
    let mut follow_board = pin!(live::follow(
        async |resume_token| {
            let request = WatchBoardRequest {
                parent: connection.parent.clone(),
                rooftops: arguments.rooftop.clone(),
                resume_token,
                ..WatchBoardRequest::default()
            };
            Ok(DealServiceClient::new(connection.channel.clone()).watch_board(request).await?.into_inner())
        },
        send_board,
        RECONNECT,
    ));
    let mut follow_flags = pin!(live::follow(
        async |resume_token| {
            let request = WatchFlagsRequest {
                parent: connection.parent.clone(),
                rooftops: arguments.rooftop.clone(),
                resume_token,
                flags_only: true,
                ..WatchFlagsRequest::default()
            };
            Ok(RuleServiceClient::new(connection.channel.clone()).watch_flags(request).await?.into_inner())
        },
        send_flags,
        RECONNECT,
    ));
    let mut redraw = tokio::time::interval(REDRAW);
    let mut keys = keys();
    let mut trouble: Option<String> = None;
    loop {
        tokio::select! {
            () = &mut follow_board => return Ok(()),
            () = &mut follow_flags => return Ok(()),
            Some(received) = boards.recv() => match received {
                Ok(response) => { trouble = None; board.apply(response); }
                Err(ended) => trouble = Some(ended),
            },
            // A board without fresh flags is still a board.
            Some(Ok(response)) = flags.recv() => standing.apply(response),
            _ = redraw.tick() => {
                let lines = usize::from(terminal::size()?.1).saturating_sub(16).max(5);
                let mut text = board.text(&standing.flags(), &zones, lines);
                text.push_str(&match &trouble {
                    Some(trouble) => format!("not live: {trouble}; trying again every {} s. q quits", RECONNECT.as_secs()),
                    None => format!("live, {} changes. q quits", board.changes),
                });
                screen.draw(&text)?;
            },
            _ = keys.recv() => return Ok(()),
        }
    }
}

/// Says when q, Escape or Ctrl-C was pressed. Reading the terminal blocks, so it has a thread of its own, which ends
/// with the process.
fn keys() -> tokio::sync::mpsc::Receiver<()> {
    let (send, receive) = tokio::sync::mpsc::channel(1);
    std::thread::spawn(move || {
        while let Ok(event) = event::read() {
            let event::Event::Key(key) = event else { continue };
            let control_c =
                key.code == event::KeyCode::Char('c') && key.modifiers.contains(event::KeyModifiers::CONTROL);
            if control_c || matches!(key.code, event::KeyCode::Char('q') | event::KeyCode::Esc) {
                let _ = send.blocking_send(());
                return;
            }
        }
    });
    receive
}
