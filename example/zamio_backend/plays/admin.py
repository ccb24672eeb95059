from django.contrib import admin

from plays.models import Play, PlayTotal


@admin.register(Play)
class PlayAdmin(admin.ModelAdmin):
    list_display = ["artist", "station", "played_at", "recorded_by"]
    list_filter = ["station"]
    date_hierarchy = "played_at"


@admin.register(PlayTotal)
class PlayTotalAdmin(admin.ModelAdmin):
    list_display = ["artist", "total", "counted_at"]
    readonly_fields = ["artist", "total", "counted_at"]

    def has_add_permission(self, request):
        return False
