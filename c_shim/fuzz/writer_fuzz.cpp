// SPDX-License-Identifier: Apache-2.0
//
// A writer and its keeper beside a reader table that says anything at all and changes between their calls. A reader that may
// not write the table must get every block, or count it, and never one that differs from what was committed.
#include "fuzzed_ring.hpp"

using namespace fuzz;

namespace {

constexpr uint32_t kWords = 16; // of a block's data

uint64_t content(uint64_t sequence, uint32_t index) {
    return (sequence + 1) * 0x9E3779B97F4A7C15u + index;
}

class Stand {
  public:
    explicit Stand(Input& input)
        : m_input(input), m_ring((input.byte() & 1u) != 0 ? QAULTRA_RING_FLAG_LOSSLESS : 0, input.one_of(kStarts)),
          m_first(m_ring.options.first_sequence) {
        m_ring.shape.reader_timeout_ms = input.byte();
        m_writer = qaultra_ring_writer_bind(m_ring.data.bytes(), &m_ring.shape, &m_ring.table);
        m_keeper = qaultra_ring_keeper_bind(m_ring.data.bytes(), &m_ring.shape, &m_ring.table, &m_ring.self);
        const qaultra_ring_table none = qaultra_ring_table_none();
        qaultra_ring_reader_join(&m_honest, m_ring.data.bytes(), &m_ring.shape, &none, &m_ring.self, 0, 0, 0);
    }

    void step() {
        switch (m_input.below(10)) {
        case 0:
        case 1:
            store_into_table(m_input, m_ring, m_writer.next);
            break;
        case 2:
            gate();
            break;
        case 3:
            drain();
            break;
        case 4:
            qaultra_ring_writer_wait_room(&m_writer, 0);
            break;
        case 5:
            qaultra_ring_keeper_turn(&m_keeper, m_input.word());
            break;
        case 6:
            qaultra_ring_writer_prepare(&m_writer);
            break;
        case 7:
            qaultra_ring_writer_abort(&m_writer);
            break;
        default:
            write();
        }
        HOLDS(m_writer.next >= m_first && m_writer.next <= QAULTRA_RING_SEQUENCE_MAX + 1);
        HOLDS(qaultra_ring_head(m_ring.header()) == m_writer.next);
    }

    void end() {
        qaultra_ring_writer_close(&m_writer);
        drain();
        HOLDS(m_honest.next == m_writer.next && qaultra_ring_reader_ended(&m_honest));
        HOLDS(m_honest.received + m_honest.missed == m_writer.next - m_first);
    }

  private:
    /** An entry as a reader that gates leaves it, so that a lossless writer meets one. */
    void gate() {
        qaultra_ring_entry& entry = m_ring.table.entries[m_input.below(kEntries)];
        QAULTRA_RING_STORE(&entry.cursor, plausible(m_input, m_writer.next));
        QAULTRA_RING_STORE(&m_ring.table.header->entries_used, kEntries);
        QAULTRA_RING_STORE(&entry.state, uint32_t{m_input.byte()} << 8 | m_input.below(6));
        QAULTRA_RING_ADD(&m_ring.table.header->changes, 1u);
    }

    void write() {
        qaultra_market_data_block* const block = qaultra_ring_writer_claim(&m_writer);
        if (block == nullptr) {
            return;
        }
        HOLDS(block == &m_ring.slots()[m_writer.next & (kCapacity - 1)].block);
        for (uint32_t i = 0; i < kWords; ++i) {
            const uint64_t word = content(m_writer.next, i);
            std::memcpy(block->data + 8 * i, &word, sizeof word);
        }
        if (m_input.rarely(8)) {
            return; // committed later, or given back, or claimed again
        }
        qaultra_ring_writer_commit(&m_writer);
    }

    void drain() {
        // Waiting looks after the head, which a plain look does only now and then.
        while (qaultra_ring_reader_wait(&m_honest, 0)) {
            const qaultra_market_data_block* const block = qaultra_ring_reader_next(&m_honest);
            HOLDS(block != nullptr);
            HOLDS(block->sequence == m_honest.next);
            for (uint32_t i = 0; i < kWords; ++i) {
                const uint64_t word = content(m_honest.next, i);
                HOLDS(std::memcmp(block->data + 8 * i, &word, sizeof word) == 0);
            }
            HOLDS(qaultra_ring_reader_release(&m_honest));
        }
    }

    Input& m_input;
    Ring m_ring;
    uint64_t m_first;
    qaultra_ring_writer m_writer;
    qaultra_ring_keeper m_keeper;
    qaultra_ring_reader m_honest;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t length) {
    Input input(bytes, length);
    Stand stand(input);
    while (!input.is_over()) {
        stand.step();
    }
    stand.end();
    return 0;
}
