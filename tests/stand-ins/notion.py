"""A stand-in for Notion's API: pages are created in the form that its reference asks for, all else is refused."""
import uuid

from stand_in import StandIn


class Notion(StandIn):
    def refusal(self, body):
        if not self.headers.get("Authorization", "").startswith("Bearer "):
            return 401, "no bearer token"
        if not self.headers.get("Notion-Version"):
            return 400, "Notion-Version is missing"
        if self.path.startswith("/v1/pages/"):
            return None
        if self.path != "/v1/pages":
            return 404, "no such path"
        parent = body.get("parent", {})
        if not (parent.get("data_source_id") or parent.get("database_id")):
            return 400, "parent names neither data_source_id nor database_id"
        titles = [p for p in body.get("properties", {}).values() if "title" in p]
        if len(titles) != 1:
            return 400, "exactly one property is the title"
        return None

    def accepted(self, body):
        return {"object": "page", "id": str(uuid.uuid4())}


Notion.serve()
