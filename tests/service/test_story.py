"""The main job, end to end, over the app: consent, permitted items, withdrawal."""

from tests.service.world import NPO, World


def test_the_story_from_consent_to_withdrawal(world: World) -> None:
    """No consent, no data; the agreed items only; after the withdrawal nothing, in the same session."""
    case = world.new_case()
    assert world("coordinator", "GET", f"/api/cases/{case}").status_code == 404
    consent = str(world.consent(case, refused=("phone",))["id"])
    request = world.request(case)
    preview = world("coordinator", "GET", f"/api/cases/{case}").json()
    assert "name" not in preview["fields"] and preview["locked"]["name"] == "not_accepted_yet"
    assert preview["fields"]["dietary"]["note"] is None
    world.accept(request)
    seen = world("coordinator", "GET", f"/api/cases/{case}").json()
    assert seen["fields"]["name"] == "山田 太郎"
    assert seen["locked"]["phone"] == "not_shared"
    assert "name" not in world("volunteer", "GET", f"/api/cases/{case}").json()["fields"]
    done = world(
        "coordinator",
        "POST",
        f"/api/consents/{consent}/withdraw",
        {"given_by": ["self"], "method": "oral_witnessed"},
    )
    assert done.status_code == 200, done.text
    after = world("coordinator", "GET", f"/api/cases/{case}").json()
    assert after["fields"] == {} and after["locked"]["name"] == "withdrawn"
    assert world.sql("SELECT count(*) FROM sealed_grant") == [(0,)]
    assert NPO in world.ids
