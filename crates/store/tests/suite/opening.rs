//! Opening a database.

use crate::{World, suite};
use sekisho_api::Wanted;
use sekisho_store::{Store, StoreError};

suite!(opened_twice_it_is_the_same);

async fn opened_twice_it_is_the_same(world: World) {
    let again = Store::open(&world.url).await.unwrap();
    assert_eq!(again.inventory_list(&Wanted::first(1)).await.unwrap().items, []);
    again.close().await;
    world.store.close().await;
}

#[tokio::test]
async fn what_cannot_be_opened_is_said() {
    for (url, expect) in [
        ("mysql://db/hub", "begins neither with sqlite: nor with postgres:"),
        ("sqlite:/absent/directory/hub.db", "cannot open the database sqlite:/absent/directory/hub.db"),
        ("postgres://hub:secret@127.0.0.1:1/hub", "cannot open the database postgres://hub@127.0.0.1:1/hub"),
    ] {
        let error = Store::open(url).await.unwrap_err();
        assert!(matches!(error, StoreError::Open { .. }));
        let text = error.to_string();
        assert!(text.contains(expect) && !text.contains("secret"), "{text}");
    }
}

#[tokio::test]
async fn a_file_that_is_no_database_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("hub.db");
    std::fs::write(&path, "something else that somebody keeps\n".repeat(100)).unwrap();
    let error = Store::open(&format!("sqlite:{}", path.display())).await.unwrap_err();
    assert!(error.to_string().contains("file is not a database"), "{error}");
    assert!(std::fs::read_to_string(&path).unwrap().starts_with("something else"));
}
