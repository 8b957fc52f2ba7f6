//! Runs the handler that docs/handlers.md shows, exactly as it stands there.

use std::time::Duration;

use syncmgr_handler::Callback;
use syncmgr_handler::call::{Event, Initialize, ListItems, PlanItems, Prepare, Synchronize};
use syncmgr_handler::callback::{Completion, Status};
use syncmgr_handler::frame::RpcError;
use syncmgr_host::{
    CallError, ExitStatus, HandshakeError, Instance, Limits, Spec, StopReason, What,
};
use tokio::sync::mpsc;
use tokio::time::timeout;

const FOR_EVER: Duration = Duration::from_secs(60);

fn documented() -> &'static str {
    let page = include_str!("../../../docs/handlers.md");
    let (_, from) = page.split_once("```python\n").expect("the program");
    let (program, _) = from.split_once("```").expect("its end");
    program
}

fn first(contract: u32, state_dir: String) -> Initialize {
    Initialize {
        contract: vec![contract],
        features: Vec::new(),
        manager: "test".into(),
        event: Event::Manual,
        may_bother_user: false,
        settings: false,
        cookie: None,
        state_dir,
        definitions: serde_json::Map::new(),
        more_definitions: false,
    }
}

fn spec(file: &std::path::Path, source: &std::path::Path, target: &std::path::Path) -> Spec {
    Spec {
        instance: 1,
        program: "python3".into(),
        args: vec![file.into(), source.into(), target.into()],
        env: Vec::new(),
        cwd: None,
    }
}

#[tokio::test]
async fn the_python_handler_of_the_documentation_works() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("copies.py");
    std::fs::write(&file, documented()).unwrap();
    let (source, target) = (
        directory.path().join("source"),
        directory.path().join("target"),
    );
    std::fs::create_dir(&source).unwrap();
    std::fs::create_dir(&target).unwrap();
    std::fs::write(source.join("letter"), "Dear Ben").unwrap();
    std::fs::write(source.join(".hidden"), "x").unwrap();
    let (sender, mut events) = mpsc::channel(64);
    let handle = Instance::start(spec(&file, &source, &target), Limits::default(), sender);
    let state_dir = directory.path().to_string_lossy().into_owned();
    let answer = match handle.handshake(first(1, state_dir)).await {
        Ok(answer) => answer,
        Err(error) => {
            while let Some(event) = events.recv().await {
                if let What::Exited(exit) = event.what {
                    if matches!(exit.status, ExitStatus::NotStarted(_)) {
                        // The rest of this test has nothing to say about a machine without Python.
                        return;
                    }
                    panic!("{error}: {exit:?}");
                }
            }
            panic!("{error}");
        }
    };
    assert_eq!(answer.handler.name, "Copies");
    let page = handle
        .call(&ListItems::default(), Some(FOR_EVER))
        .await
        .unwrap();
    assert_eq!(page.items.len(), 1);
    let item = page.items[0].id.clone();
    let plan = handle.call(&PlanItems::default(), Some(FOR_EVER)).await;
    let Err(CallError::Refused { error, .. }) = plan else {
        panic!("{plan:?}")
    };
    assert_eq!(error.code, RpcError::METHOD_NOT_FOUND);
    let prepare = Prepare {
        items: vec![item],
        ..Prepare::default()
    };
    handle.call(&prepare, Some(FOR_EVER)).await.unwrap();
    handle.call(&Synchronize {}, Some(FOR_EVER)).await.unwrap();
    let mut seen = Vec::new();
    while let Some(event) = timeout(FOR_EVER, events.recv()).await.unwrap() {
        match event.what {
            What::Callback(Callback::Progress(progress)) => seen.extend(progress.status),
            What::Callback(Callback::SynchronizeCompleted(outcome)) => {
                assert_eq!(outcome, Completion::Done);
                assert_eq!(
                    std::fs::read_to_string(target.join("letter")).unwrap(),
                    "Dear Ben"
                );
                handle.stop(StopReason::Finished);
            }
            What::Exited(exit) => {
                assert!(exit.is_clean(), "{exit:?}");
                break;
            }
            What::Violation(violation) => panic!("{violation}"),
            _ => {}
        }
    }
    assert_eq!(seen, [Status::Updating, Status::Succeeded]);

    let (sender, _events) = mpsc::channel(64);
    let handle = Instance::start(spec(&file, &source, &target), Limits::default(), sender);
    let refused = handle.handshake(first(7, String::new())).await;
    assert!(
        matches!(&refused, Err(HandshakeError::Version { theirs, .. }) if *theirs == [1]),
        "{refused:?}"
    );
}
