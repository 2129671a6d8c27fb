/* states.c - how threads leave and enter Python, those too that Python has not made. */
#include "binding.h"

_Thread_local PyThreadState *left_with;

void leave_python(void)
{
    left_with = PyEval_SaveThread();
}

void enter_python(void)
{
    PyThreadState *state = left_with;
    left_with = NULL;
    PyEval_RestoreThread(state);
}

/* ---- threads that were not made by Python ---- */

static pthread_key_t end_of_thread;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void give_back_state(void *marked)
{
    PyThreadState *state = left_with;
    (void)marked;
    if (state != NULL) {
        enter_python();
        PyThreadState_Clear(state); /* not PyGILState_Release, whose own key may be gone by now */
        PyThreadState_DeleteCurrent();
    }
}

static void make_key(void)
{
    pthread_key_create(&end_of_thread, give_back_state);
}

void enter_anywhere(void)
{
    if (left_with != NULL) {
        enter_python();
        return;
    }
    pthread_once(&once, make_key);
    pthread_setspecific(end_of_thread, &end_of_thread);
    PyGILState_Ensure(); /* released when the thread ends: a state for each tile would cost microseconds */
}
