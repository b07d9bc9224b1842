/*
 * Lets user-mode Linux 6.1 run on a processor whose register state is wider than it knows (AMX, since Sapphire Rapids).
 * It sets a process's vector registers with PTRACE_SETREGSET and 2,696 bytes, which is all of AVX-512; the host's kernel
 * takes the whole state or nothing (EFAULT), and the lab's first process dies. Preloaded into linux.uml, this ptrace() hands
 * over a buffer as wide as the host wants: what linux.uml gave, then zeros for registers no lab host uses.
 *
 * No header and no C library start files, so that a compiler alone can build it:  cc -shared -fPIC -O2 -nostdlib
 */
enum { PTRACE_PEEKTEXT = 1, PTRACE_PEEKUSER = 3, PTRACE_GETREGSET = 0x4204, PTRACE_SETREGSET = 0x4205 };
enum { NT_X86_XSTATE = 0x202, SYS_ptrace = 101 };

/* Start of the XSAVE header, whose first word says which registers the rest describes (Intel SDM vol. 1, 13.4.2). */
enum { PRESENT_AT = 512, WIDEST = 1 << 16 };
/* x87, SSE, AVX, AVX-512 (three parts), PKRU: all that lies within the bytes linux.uml keeps. */
static const unsigned long KNOWN = 0x2e7;

struct iovec { void *base; unsigned long length; };

extern int *__errno_location(void);

static unsigned char wide[WIDEST] __attribute__((aligned(64)));
static unsigned long width;

static long call(long request, long pid, long address, long data)
{
    long result;
    register long fourth __asm__("r10") = data;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"((long)SYS_ptrace), "D"(request), "S"(pid), "d"(address), "r"(fourth)
                     : "rcx", "r11", "memory");
    return result;
}

static long answer(long result)
{
    if (result >= 0) return result;
    *__errno_location() = (int)-result;
    return -1;
}

long ptrace(long request, long pid, long address, long data)
{
    /* The peeks answer through a pointer at the system call, and by their value here (ptrace(2), C library differences). */
    if (request >= PTRACE_PEEKTEXT && request <= PTRACE_PEEKUSER) {
        long word;
        long result = call(request, pid, address, (long)&word);
        if (result < 0) return answer(result);
        *__errno_location() = 0;
        return word;
    }
    if (request == PTRACE_SETREGSET && address == NT_X86_XSTATE) {
        const struct iovec *given = (const struct iovec *)data;
        const unsigned char *from = given->base;
        struct iovec whole = { wide, WIDEST };
        if (width == 0) {
            long result = call(PTRACE_GETREGSET, pid, NT_X86_XSTATE, (long)&whole);
            if (result < 0) return answer(result);
            width = whole.length;
            for (unsigned long at = 0; at < width; at++) wide[at] = 0;
        }
        if (given->length < width) {
            for (unsigned long at = 0; at < given->length; at += sizeof(long))
                *(unsigned long *)(wide + at) = *(const unsigned long *)(from + at);
            *(unsigned long *)(wide + PRESENT_AT) &= KNOWN;
            whole.length = width;
            return answer(call(request, pid, address, (long)&whole));
        }
    }
    return answer(call(request, pid, address, data));
}
