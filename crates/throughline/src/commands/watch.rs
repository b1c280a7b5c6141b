//! `throughline watch`: the live board in the terminal.
use std::{
    io::{IsTerminal as _, Write as _, stdout},
    time::Duration,
};

use crossterm::{
    cursor, event, execute, queue,
    style::Print,
    terminal::{self, ClearType},
};
use throughline_proto::deal::v1::{WatchBoardRequest, deal_service_client::DealServiceClient};

use crate::{
    Connection,
    client::Server,
    commands::{board, flags},
    view::Board,
};

/// How often the screen is drawn at most.
const REDRAW: Duration = Duration::from_millis(500);
/// How often flags are read again.
const FLAGS_EVERY: Duration = Duration::from_secs(2);
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
        "watch draws on a terminal; for a program, use `throughline board --format json` or the WatchBoard call"
    );
    let connection = Connection::open(&arguments.server).await?;
    let zones = board::zones(&connection).await?;
    let mut standing = flags::list(&connection, board::open_flags(&connection), board::FLAGS).await?;
    let screen = Screen::open()?;
    let mut board = Board::default();
    let mut redraw = tokio::time::interval(REDRAW);
    let mut reread = tokio::time::interval(FLAGS_EVERY);
    let mut keys = keys();
    let mut trouble: Option<String> = None;
    loop {
        let request = WatchBoardRequest {
            parent: connection.parent.clone(),
            rooftops: arguments.rooftop.clone(),
            resume_token: board.resume_token.clone(),
            once: false,
            heartbeat: None,
        };
        let mut stream = match DealServiceClient::new(connection.channel.clone()).watch_board(request).await {
            Ok(answer) => Some(answer.into_inner()),
            Err(status) => {
                trouble = Some(status.message().to_owned());
                None
            }
        };
        loop {
            let message = async {
                match &mut stream {
                    Some(stream) => stream.message().await,
                    None => {
                        tokio::time::sleep(RECONNECT).await;
                        Ok(None)
                    }
                }
            };
            tokio::select! {
                message = message => match message {
                    Ok(Some(response)) => { trouble = None; board.apply(response); }
                    Ok(None) if stream.is_none() => break,
                    Ok(None) => { stream = None; trouble = Some("the suite closed the stream".to_owned()); }
                    Err(status) => { stream = None; trouble = Some(status.message().to_owned()); }
                },
                _ = redraw.tick() => {
                    let mut text = board.text(&standing, &zones, usize::from(terminal::size()?.1).saturating_sub(16).max(5));
                    text.push_str(&match &trouble {
                        Some(trouble) => format!("not live: {trouble}; trying again every {} s. q quits", RECONNECT.as_secs()),
                        None => format!("live, {} changes. q quits", board.changes),
                    });
                    screen.draw(&text)?;
                },
                _ = reread.tick() => {
                    // A board without fresh flags is still a board.
                    if let Ok(fresh) = flags::list(&connection, board::open_flags(&connection), board::FLAGS).await {
                        standing = fresh;
                    }
                },
                _ = keys.recv() => return Ok(()),
            }
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
