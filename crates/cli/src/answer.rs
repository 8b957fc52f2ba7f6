//! `answer`: a question is answered, with what it wants typed in.

use syncmgr_control::request::Typed;
use syncmgr_control::view::NeedView;
use syncmgr_control::{ExitCode, Refusal, Reply, Request};

use crate::choose::{Choice, tick};
use crate::follow::follow;
use crate::form::{Form, Took};
use crate::question::{heading, need_lines};
use crate::sync::conclude;
use crate::talk::{Talk, Verdict, ask};
use crate::text::harmless;

/// What was given with the command.
pub(crate) struct Given {
    pub(crate) need: u64,
    pub(crate) choice: Option<String>,
    pub(crate) fields: Vec<(String, String)>,
    /// Of a list: these and nothing else.
    pub(crate) items: Vec<String>,
    /// What is missing is read from standard input.
    pub(crate) stdin: bool,
    /// Its secrets are remembered.
    pub(crate) remember: bool,
}

/// `answer`
pub(crate) async fn answer(talk: &mut Talk, given: Given) -> Result<Verdict, Refusal> {
    let id = given.need;
    let Some(request) = complete(talk, given).await? else {
        return Ok(Verdict::said(stays_open(id), ExitCode::NeedsYou)
            .suggest(format!("syncmgr answer {id}")));
    };
    let changes = talk.service.changes().await?;
    let (request, forgotten) = ask!(
        talk,
        request,
        Reply::Answered { request, forgotten } => (request, forgotten)
    );
    if let Some(why) = &forgotten {
        not_remembered(talk, why);
    }
    match request {
        Some(request) => {
            let followed = follow(talk, changes, request).await?;
            let mut verdict = conclude(&followed, &[]);
            let moved = followed.progress.tally();
            // Whatever an answer had done can be taken back.
            if verdict.suggestion.is_none() && moved.sent + moved.received + moved.deleted > 0 {
                let runs = followed.progress.runs().count() == 1;
                let run = followed.progress.last_run().filter(|_| runs);
                verdict.suggestion = run.map(|run| format!("syncmgr undo {run}"));
            }
            Ok(verdict)
        }
        None => {
            // A choice such as `later` is taken, and the question is open all the same.
            let open = find(talk, id).await.is_some();
            let sentence = if open {
                stays_open(id)
            } else {
                format!("Question {id} is answered.")
            };
            Ok(Verdict::said(sentence, ExitCode::Good).suggest("syncmgr status"))
        }
    }
}

/// The answer counts all the same.
pub(crate) fn not_remembered(talk: &mut Talk, why: &Refusal) {
    let hint = why.hint.as_deref().map(|hint| format!("; {hint}"));
    let text = format!(
        "it is not remembered: {} ({}){}",
        why.message,
        why.code,
        hint.unwrap_or_default()
    );
    talk.screen.remark(&harmless(&text));
}

fn stays_open(need: u64) -> String {
    format!("Question {need} stays open.")
}

async fn find(talk: &Talk, id: u64) -> Option<NeedView> {
    match talk.ask(Request::Needs).await {
        Ok(Reply::Needs(needs)) => needs.into_iter().find(|need| need.id == id),
        _ => None,
    }
}

/// The whole answer, with what the person types; nothing when the question is to stay open.
async fn complete(talk: &mut Talk, given: Given) -> Result<Option<Request>, Refusal> {
    let Given {
        need: id,
        choice,
        fields,
        items,
        stdin,
        remember,
    } = given;
    let is_first = |need: &NeedView, choice: &String| {
        need.choices
            .first()
            .is_some_and(|first| first.name == *choice)
    };
    if !items.is_empty() {
        // Whoever names items and does not start them is not understood.
        if let Some(choice) = &choice
            && !find(talk, id)
                .await
                .is_none_or(|need| is_first(&need, choice))
        {
            return Err(no_choice(&format!(
                "syncmgr answer {id} start --items NAME"
            )));
        }
        return Ok(Some(Request::Choose {
            need: Some(id),
            items,
            offered: Vec::new(),
        }));
    }
    let attended = talk.interactive && !talk.screen.json();
    let whole = !attended && fields.is_empty() && !stdin;
    let need = match &choice {
        Some(_) if whole => None,
        _ => find(talk, id).await,
    };
    let Some(need) = need else {
        return match choice {
            // The manager takes it or says why not, such as that somebody was first.
            Some(choice) => Ok(Some(Request::Answer {
                need: id,
                choice,
                fields: Typed::default(),
                remember,
            })),
            None => Err(Refusal::new(
                "cli::no-such-question",
                format!("no open question has the number {id}"),
                "the open ones are listed by: syncmgr needs",
            )),
        };
    };
    if attended && need.has_list() && choice.as_ref().is_none_or(|choice| is_first(&need, choice)) {
        return ticked(talk, &need).await;
    }
    let command = format!("syncmgr answer {id} CHOICE");
    let mut form = Form::new(need.clone(), choice.clone());
    form.give(fields)?;
    if remember || !attended || stdin {
        form.remember(remember);
    }
    if attended || stdin {
        return typed(talk, form, &command, !stdin && choice.is_none()).await;
    }
    if choice.is_none() {
        let look = talk.screen.look;
        talk.screen.object(&need);
        talk.screen.lines(need_lines(&need, &look));
        return Err(no_choice(&command));
    }
    Ok(Some(form.answer()))
}

/// Has the person tick the list of a question.
async fn ticked(talk: &mut Talk, need: &NeedView) -> Result<Option<Request>, Refusal> {
    let asked = Request::Offer {
        need: Some(need.id),
    };
    let offer = ask!(talk, asked, Reply::Offer(offer) => offer);
    for line in heading(need, &talk.screen.aside) {
        talk.screen.remark(&line);
    }
    let close = offer.close.clone();
    Ok(match tick(talk, offer, None).await {
        Choice::Begin(ticks) => Some(ticks.request()),
        Choice::Closed => close.map(|choice| Request::Answer {
            need: need.id,
            choice,
            fields: Typed::default(),
            remember: false,
        }),
        Choice::Left => None,
    })
}

/// Has the person type what is missing.
async fn typed(
    talk: &mut Talk,
    mut form: Form,
    command: &str,
    explain: bool,
) -> Result<Option<Request>, Refusal> {
    let mut explain = explain;
    let mut shown = true;
    while let Some(wanted) = form.wanted(&talk.screen.aside) {
        if shown && talk.interactive {
            for line in &wanted.lines {
                talk.screen.remark(line);
            }
            if std::mem::take(&mut explain) {
                talk.screen
                    .remark("Type a name or a number; an empty line or Ctrl-D leaves it open.");
            }
        }
        if talk.interactive {
            talk.screen.prompt(&wanted.prompt);
        }
        let line = match &mut talk.keyboard {
            Some(keyboard) if wanted.hidden => keyboard.secret().await.ok().flatten(),
            Some(keyboard) => keyboard.line().await.ok().flatten(),
            None => None,
        };
        let Some(line) = line else {
            // Nothing that follows may stand behind the prompt.
            talk.screen.remark("");
            return Ok(None);
        };
        match form.take(&line) {
            Took::Yes => shown = true,
            Took::No(why) => {
                shown = false;
                talk.screen.remark(&harmless(why));
            }
            Took::Left => return Ok(None),
            Took::TooOften => return Err(no_choice(command)),
        }
    }
    Ok(Some(form.answer()))
}

/// `forget`
pub(crate) async fn forget(talk: &mut Talk, name: String) -> Result<Verdict, Refusal> {
    let request = Request::Forget { name: name.clone() };
    let names = ask!(talk, request, Reply::Done { names } => names);
    let name = harmless(&name);
    let sentence = if names.is_empty() {
        format!("Nothing was remembered for {name}.")
    } else {
        format!("What was remembered for {name} is forgotten.")
    };
    Ok(Verdict::said(sentence, ExitCode::Good))
}

pub(crate) fn no_choice(command: &str) -> Refusal {
    Refusal::new(
        "cli::no-choice",
        "no choice was made",
        format!("give one of the choices: {command}"),
    )
}
