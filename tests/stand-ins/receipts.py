"""A stand-in for a provider of cash receipts (the form of Toss Payments): issue and cancel, the same key the same answer."""
import uuid

from stand_in import StandIn


class Receipts(StandIn):
    by_key = {}

    def refusal(self, body):
        if not self.headers.get("Authorization", "").startswith("Basic "):
            return 401, "no basic authorization"
        if not self.headers.get("Idempotency-Key"):
            return 400, "Idempotency-Key is missing"
        if not isinstance(body.get("amount"), int):
            return 400, "amount is missing"
        if self.path.endswith("/cancel"):
            return None if self.path.split("/")[-2] in self.by_key.values() else (404, "no such receipt")
        if self.path != "/v1/cash-receipts":
            return 404, "no such path"
        missing = [n for n in ("orderId", "orderName", "customerIdentityNumber", "type") if not body.get(n)]
        return (400, f"{missing} missing") if missing else None

    def accepted(self, body):
        if self.path.endswith("/cancel"):
            return {"receiptKey": self.path.split("/")[-2], "status": "CANCELED"}
        return {"receiptKey": self.by_key.setdefault(self.headers["Idempotency-Key"], str(uuid.uuid4()))}


Receipts.serve()
