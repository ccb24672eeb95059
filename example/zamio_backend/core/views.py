from django.conf import settings
from django.http import JsonResponse
from django.views.decorators.http import require_safe


@require_safe
def home(request):
    """Where everything is, for a person who opens the API's address."""
    return JsonResponse(
        {name: f"{settings.BASE_URL}/api/{name}/" for name in ("artists", "plays", "stats")},
    )


@require_safe
def health(request):
    """Says that this process answers. It asks neither database nor Redis: a fault there must not restart it."""
    return JsonResponse({"status": "ok"})
