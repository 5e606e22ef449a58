"""What can be wrong with an embedded server, each in a sentence that says what to do."""

from __future__ import annotations

import errno
from pathlib import Path

from deploy.process import DeployError


def cannot_write(path: Path, error: OSError) -> DeployError:
    """A folder that refuses us."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return disk_full(path)
    return DeployError(
        f"无法写入 {path}（{error.strerror}）：请用 DATA= 换一个可写的文件夹。",
        f"{path} cannot be written ({error.strerror}): choose a folder you can write with DATA=.",
    )


def disk_full(path: Path) -> DeployError:
    return DeployError(
        f"磁盘空间不足：请在 {path} 所在的磁盘上腾出至少 1 GB，或用 DATA= 换一个位置，再重新运行。",
        f"The disk is full: free at least 1 GB where {path} is, or choose another place with DATA=, and run again.",
    )


def in_use(folder: Path, holder: str) -> DeployError:
    """Another instance holds the lock of this folder."""
    return DeployError(
        f"{folder} 正由另一个课后进程（进程号 {holder}）使用：先停掉它，或用 DATA= 换一个文件夹。",
        f"{folder} is in use by another Kehou (process {holder}): stop it first, or choose another folder with DATA=.",
    )


def path_too_long(path: Path) -> DeployError:
    return DeployError(
        f"路径太长，放不下套接字：{path}。请用 DATA= 换一个短一些的文件夹。",
        f"The path is too long for a socket: {path}. Choose a shorter folder with DATA=.",
    )


def port_taken(port: int) -> DeployError:
    return DeployError(
        f"端口 {port} 已被占用：停掉占用它的程序，或用 PORT= 换一个。",
        f"Port {port} is taken: stop the program that uses it, or choose another with PORT=.",
    )


def not_installed(package: str) -> DeployError:
    return DeployError(
        f"没有安装 {package}：请先运行 make setup。",
        f"{package} is not installed: run `make setup` first.",
    )


def does_not_run(program: Path, error: Exception) -> DeployError:
    return DeployError(
        f"{program} 无法运行：{error}。请运行 make setup 重新安装。",
        f"{program} does not run: {error}. Run `make setup` to install it anew.",
    )


def out_of_reach(program: Path, user: str, caches: list[str]) -> DeployError:
    """The server's user can neither run the program nor a copy."""
    return DeployError(
        f"用户 {user} 无法运行 {program}，也无法运行 {'、'.join(caches)} 里的副本："
        "请把课后放到该用户能读取的文件夹里，或改用普通用户运行。",
        f"The user {user} can run neither {program} nor a copy in {', '.join(caches)}: "
        "put Kehou in a folder which that user can read, or run it as an ordinary user.",
    )


def no_valkey(machine: str) -> DeployError:
    return DeployError(
        f"这种机器（{machine}）没有自带的 Valkey：请用 KEHOU_REDIS_URL 指向一个 Redis 或 Valkey。",
        f"No Valkey is shipped for {machine}: point KEHOU_REDIS_URL to a Redis or Valkey.",
    )


def passwords_missing(path: Path) -> DeployError:
    return DeployError(
        f"{path} 不见了，数据库进不去：请从备份恢复这个文件，或用 RESET=1 重新开始。",
        f"{path} is missing or damaged, so the database cannot be entered: restore that file from a backup, "
        "or start over with RESET=1.",
    )


def too_old(major: int, oldest: int) -> DeployError:
    return DeployError(
        f"PostgreSQL {major} 太旧：需要 {oldest} 或更新的版本。",
        f"PostgreSQL {major} is too old: {oldest} or later is needed.",
    )


def not_ours(folder: Path) -> DeployError:
    """Never wipe what we did not make."""
    return DeployError(
        f"{folder} 里有别的东西，不是课后建的：请移走它，或用 DATA= 换一个文件夹。",
        f"{folder} holds something that Kehou did not make: move it away, or choose another with DATA=.",
    )


def other_version(made: str, major: int) -> DeployError:
    return DeployError(
        f"这里的数据由 PostgreSQL {made} 建立，而现在的程序是 {major}：请用原来的版本导出，或用 RESET=1 重新开始。",
        f"The data here was made by PostgreSQL {made}, but this program is {major}: "
        "export it with the former version, or start over with RESET=1.",
    )


def queue_damaged(data: Path) -> DeployError:
    return DeployError(
        f"任务队列的文件已损坏：请把 {data} 移走，再重新运行；其中的任务会从数据库重新排入。",
        f"The queue's file is damaged: move {data} away and run again; its jobs are queued anew from the database.",
    )


def not_started(name: str, log: Path, text: str) -> DeployError:
    """When we know no better one."""
    return DeployError(
        f"{name} 没有启动起来，原因见 {log}。",
        f"{name} did not start; {log} says why.",
        last_words(text),
    )


def explain(text: str, folder: Path, port: int | None) -> DeployError | None:
    """The sentence for what a server wrote when it gave up; None when it says nothing we know."""
    if "No space left on device" in text or "Disk quota exceeded" in text:
        return disk_full(folder)
    if port is not None and "Address already in use" in text:
        return port_taken(port)
    if "Cannot allocate memory" in text or "could not map anonymous shared memory" in text:
        return DeployError(
            "内存不足，无法启动：请关掉一些程序，至少空出 1 GB 内存。",
            "Not enough memory to start: close some programs, so that 1 GB is free.",
            last_words(text),
        )
    if "Permission denied" in text:
        return DeployError(
            f"无法读写 {folder}：请检查这个文件夹的所有者和权限。",
            f"{folder} cannot be read or written: check its owner and permissions.",
            last_words(text),
        )
    return None


def last_words(text: str) -> str:
    """The three lines of a log that matter most."""
    lines = text.splitlines()
    bad = [line for line in lines if any(w in line for w in ("FATAL", "PANIC", "ERROR", "rror:"))]
    return "\n".join((bad or lines)[-3:])
