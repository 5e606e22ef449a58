"""The embedded Valkey, for real, and that the queue it carries survives."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
import redis

from deploy.embedded import DeployError, EmbeddedPostgres, EmbeddedValkey
from deploy.process import wait_until
from deploy.supervisor import Supervisor


def client(valkey: EmbeddedValkey) -> redis.Redis:
    return redis.Redis.from_url(valkey.url())


def test_it_answers_on_a_socket_for_us_alone_and_on_no_port(tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path / "vk", durable=False) as valkey:
        with client(valkey) as db:
            assert db.ping()
            assert db.config_get("port") == {"port": "0"}
        assert valkey.socket.parent.stat().st_mode & 0o777 == 0o700


def test_a_queue_of_jobs_survives_a_stop_and_a_kill(tmp_path: Path) -> None:
    valkey = EmbeddedValkey(tmp_path / "vk").start()
    with client(valkey) as db:
        db.rpush("jobs", "a", "b")
    valkey.stop()
    valkey.start()
    with client(valkey) as db:
        assert db.lrange("jobs", 0, -1) == [b"a", b"b"]
        db.rpush("jobs", "c")
    assert valkey.pid is not None
    os.kill(valkey.pid, signal.SIGKILL)
    assert wait_until(lambda: not valkey.ping(), 10)
    valkey.start()
    with client(valkey) as db:
        assert db.lrange("jobs", 0, -1) == [b"a", b"b", b"c"]
    valkey.stop()
    assert not valkey.ping()


def test_a_file_it_cannot_read_is_set_aside_not_wiped(tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path / "vk") as valkey, client(valkey) as db:
        db.set("a", 1)
    file = next((tmp_path / "vk/data/appendonlydir").glob("*.incr.aof"))
    file.write_bytes(b"nonsense\r\n" * 50)
    with EmbeddedValkey(tmp_path / "vk") as valkey, client(valkey) as db:
        assert db.get("a") is None
        db.set("a", 2)
    kept = list((tmp_path / "vk").glob("data.damaged-*/appendonlydir/*.incr.aof"))
    assert [path.read_bytes()[:8] for path in kept] == [b"nonsense"]


def test_under_a_supervisor_a_damaged_file_is_a_sentence(tmp_path: Path) -> None:
    valkey = EmbeddedValkey(tmp_path / "vk").start()
    valkey.stop()
    next((tmp_path / "vk/data/appendonlydir").glob("*.incr.aof")).write_bytes(b"nonsense\r\n" * 50)
    with Supervisor(tmp_path / "logs") as supervisor, pytest.raises(DeployError, match="任务队列的文件已损坏"):
        supervisor.start(valkey.spec())
    valkey.close()


def test_both_servers_run_under_a_supervisor_and_come_back(tmp_path: Path) -> None:
    valkey, postgres = EmbeddedValkey(tmp_path / "vk"), EmbeddedPostgres(tmp_path / "pg")
    with Supervisor(tmp_path / "logs", report=lambda line: None) as supervisor:
        supervisor.start(postgres.spec(), valkey.spec())
        postgres.ensure_roles()
        with psycopg.connect(postgres.dsn("owner"), autocommit=True) as db:
            db.execute("create table kept as select 1 as a")
        for status in supervisor.status():
            os.kill(status.pid or 0, signal.SIGKILL)
        assert wait_until(lambda: all(s.restarts for s in supervisor.status()), 30)
        assert wait_until(valkey.ping, 10)

        def kept() -> bool:
            with suppress(psycopg.OperationalError), psycopg.connect(postgres.dsn("owner")) as db:
                return db.execute("select a from kept").fetchone() == (1,)
            return False

        assert wait_until(kept, 20, 0.05)
    assert not valkey.ping()
    postgres.close()
    valkey.close()


def test_a_second_instance_on_the_same_folder_says_so(tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path / "vk", durable=False) as valkey:
        with pytest.raises(DeployError, match="正由另一个课后进程"):
            EmbeddedValkey(tmp_path / "vk").start()
        assert valkey.ping()


def test_a_dramatiq_broker_works_on_it(tmp_path: Path) -> None:
    from dramatiq import Message
    from dramatiq.brokers.redis import RedisBroker

    with EmbeddedValkey(tmp_path / "vk", durable=False) as valkey:
        broker = RedisBroker(url=valkey.url())  # type: ignore[no-untyped-call]
        broker.declare_queue("bills")
        broker.enqueue(Message("bills", "make", (1,), {}, {}))
        consumer = broker.consume("bills", timeout=2000)
        message = next(consumer)
        assert message is not None and message.args == (1,)
        consumer.ack(message)
        consumer.close()
        broker.close()
