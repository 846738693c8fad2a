// SPDX-License-Identifier: Apache-2.0
//
// Starting a daemon, sharing it, and what is left afterwards.
#include "spawn_support.hpp"

TEST(a_daemon_is_started_and_ends_with_its_only_member) {
    Member member;
    CHECK(member.joins());
    // A process that is about to be another program still has the name of the one that it was.
    EVENTUALLY(daemons().size() == 1 && guards().size() == 1);
    EXPECT(QIPC_OK, daemon_probe(kTimeoutMs, nullptr));
    member.leaves();
    expect_tidy();
    CHECK(!exists(QIPC_ROUDI_LOCK));
}

TEST(a_daemon_ends_with_the_last_of_several_members) {
    Member first;
    Member second;
    Member third;
    CHECK(first.joins() && !second.joins() && !third.joins());
    DaemonIdentity identity;
    EXPECT(QIPC_OK, daemon_probe(kTimeoutMs, &identity));
    first.leaves();
    third.ends();
    // The guard would have noticed by now: it had the time to start and end another daemon's worth of processes.
    qipc::sleep_ns(qipc::ms_to_ns(300));
    EXPECT(QIPC_OK, daemon_alive(identity));
    CHECK(first.ensure().spawned == 0);
    second.leaves();
    qipc::sleep_ns(qipc::ms_to_ns(300));
    EXPECT(QIPC_OK, daemon_alive(identity));
    first.leaves();
    expect_tidy();
}

TEST(a_member_that_asks_twice_leaves_once) {
    Member member;
    CHECK(member.joins());
    CHECK(!member.joins());
    member.leaves();
    expect_tidy();
    member.leaves();
}

TEST(a_daemon_ends_when_its_last_member_is_killed) {
    Member first;
    Member second;
    CHECK(first.joins() && !second.joins());
    first.is_killed();
    EXPECT(QIPC_OK, daemon_probe(kTimeoutMs, nullptr));
    second.is_killed();
    expect_tidy();
}

TEST(simultaneous_starters_end_up_with_one_daemon) {
    for (int round = 0; round < 5; round++) {
        std::vector<std::unique_ptr<Member>> members;
        for (int i = 0; i < kSpawners; i++) {
            members.push_back(std::make_unique<Member>());
        }
        for (const auto& member : members) {
            member->ask();
        }
        int spawned = 0;
        for (const auto& member : members) {
            const Member::Answer answer = member->answer();
            if (answer.status != QIPC_OK) {
                failed(__FILE__, __LINE__, answer.text);
            }
            spawned += answer.spawned;
        }
        CHECK(spawned == 1);
        EVENTUALLY(daemons().size() == 1 && guards().size() == 1);
        members.clear();
        expect_tidy();
    }
}

TEST(a_daemon_can_be_started_while_the_last_one_ends) {
    Member member;
    for (int round = 0; round < kStormRounds; round++) {
        CHECK(member.joins() || round > 0);
        DaemonIdentity identity;
        EXPECT(QIPC_OK, daemon_probe(kTimeoutMs, &identity));
        member.leaves();
    }
    expect_tidy();
}

TEST(members_that_come_and_are_killed_at_random_leave_nothing) {
    std::srand(1);
    for (int round = 0; round < kStormRounds; round++) {
        std::vector<std::unique_ptr<Member>> members;
        for (int i = 0; i < 4; i++) {
            members.push_back(std::make_unique<Member>());
            members.back()->ask();
        }
        for (const auto& member : members) {
            qipc::sleep_ns(static_cast<uint64_t>(std::rand()) % qipc::ms_to_ns(60));
            member->is_killed();
        }
    }
    // A starter that was killed may leave the private directory; whoever comes next uses it and clears it up.
    EVENTUALLY(daemons().empty() && guards().empty());
    Member member;
    CHECK(member.joins());
    member.leaves();
    expect_tidy();
}

TEST(a_healthy_daemon_of_somebody_else_is_used_and_left_alone) {
    const pid_t daemon = start_daemon();
    Member member;
    CHECK(!member.joins());
    member.ends();
    EXPECT(QIPC_OK, daemon_probe(kTimeoutMs, nullptr));
    CHECK(daemons() == std::vector<pid_t>{daemon} && guards().empty());
}

TEST(a_hung_daemon_is_told_and_left_alone) {
    const pid_t daemon = start_daemon();
    stop(daemon);
    SpawnOptions options = spawn_options();
    options.timeout_ms = 200;
    const uint64_t before_ns = qipc::now_ns();
    EXPECT(QIPC_E_DAEMON_HUNG, daemon_ensure(options, nullptr));
    CHECK(qipc::now_ns() - before_ns >= qipc::ms_to_ns(200));
    CHECK(daemons() == std::vector<pid_t>{daemon} && guards().empty());
    CHECK(kill(daemon, SIGCONT) == 0);
    EXPECT(QIPC_OK, daemon_probe(20000, nullptr));
}

TEST(leftovers_of_a_killed_daemon_do_not_hinder) {
    kill_and_wait(start_daemon());
    CHECK(exists(QIPC_ROUDI_SOCKET) && exists(QIPC_ROUDI_LOCK) && !names_in(QIPC_SHM_DIRECTORY).empty());
    Member member;
    CHECK(member.joins());
    member.leaves();
    expect_tidy();
}

TEST(leftovers_of_a_killed_daemon_and_guard_do_not_hinder) {
    Member old_member;
    CHECK(old_member.joins());
    kill_everything();
    CHECK(exists(private_directory()) && exists(QIPC_ROUDI_SOCKET));
    Member member;
    CHECK(member.joins());
    CHECK(!old_member.joins());
    old_member.leaves();
    EXPECT(QIPC_OK, daemon_probe(kTimeoutMs, nullptr));
    member.leaves();
    expect_tidy();
}

TEST(leftovers_of_a_killed_daemon_count_as_free_memory) {
    Member old_member;
    CHECK(old_member.joins());
    kill_everything();
    old_member.is_killed();
    // Room for one daemon, and the dead one has it.
    const std::vector<std::string> names = names_in(QIPC_SHM_DIRECTORY);
    CHECK(names.size() == 2);
    mount_shm("72m");
    for (const std::string& name : names) {
        std::ofstream file(QIPC_SHM_DIRECTORY "/" + name);
        file << std::string(name == QIPC_SHM_MANAGEMENT ? 60u << 20 : 4u << 20, 'x');
    }
    Member member;
    CHECK(member.joins());
}

TEST(a_daemon_that_is_killed_takes_its_guard_and_leftovers_with_it) {
    Member member;
    CHECK(member.joins());
    CHECK(kill(daemons().at(0), SIGKILL) == 0);
    expect_tidy(true);
    CHECK(contains(text_of(private_directory() + "/" QIPC_FILE_LOG), "signal 9"));
    CHECK(member.joins());
    member.leaves();
    expect_tidy();
}

TEST(a_guard_that_is_killed_takes_its_daemon_with_it) {
    Member member;
    CHECK(member.joins());
    CHECK(kill(guards().at(0), SIGKILL) == 0);
    expect_tidy(true);
}

TEST(a_guard_that_is_told_to_end_ends_its_daemon) {
    for (const int number : {SIGTERM, SIGINT, SIGHUP}) {
        Member member;
        CHECK(member.joins());
        CHECK(kill(guards().at(0), number) == 0);
        expect_tidy(true);
    }
}

TEST(a_daemon_that_does_not_end_is_killed) {
    Member member;
    CHECK(member.joins());
    stop(daemons().at(0));
    member.leaves();
    const uint64_t before_ns = qipc::now_ns();
    expect_tidy();
    CHECK(qipc::now_ns() - before_ns >= qipc::ms_to_ns(QIPC_ROUDI_STOP_MS - 500));
}

TEST(a_daemon_that_is_to_be_kept_outlives_its_members) {
    SpawnOptions kept = spawn_options();
    kept.keep = true;
    Member keeper(kept);
    CHECK(keeper.joins());
    keeper.ends();
    Member other;
    CHECK(!other.joins());
    other.is_killed();
    qipc::sleep_ns(qipc::ms_to_ns(300));
    EXPECT(QIPC_OK, daemon_probe(kTimeoutMs, nullptr));
    CHECK(kill(guards().at(0), SIGTERM) == 0);
    expect_tidy(true);
    // The wish ends with the daemon.
    Member next;
    CHECK(next.joins());
    next.leaves();
    expect_tidy();
}

TEST(a_running_daemon_can_be_kept_from_then_on) {
    SpawnOptions kept = spawn_options();
    kept.keep = true;
    Member member;
    Member keeper(kept);
    CHECK(member.joins() && !keeper.joins());
    keeper.ends();
    member.ends();
    qipc::sleep_ns(qipc::ms_to_ns(300));
    EXPECT(QIPC_OK, daemon_probe(kTimeoutMs, nullptr));
    CHECK(kill(guards().at(0), SIGTERM) == 0);
    expect_tidy(true);
}
